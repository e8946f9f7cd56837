import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.core.serializers.json
import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.comparison
import django.db.models.functions.datetime
import django.db.models.functions.text
import django.utils.timezone
import loyalty_site.lib.timezones
import pgtrigger.compiler
import pgtrigger.migrations
import phonenumber_field.modelfields
from django.db import migrations, models

from customers.migrations import _sql


class Migration(migrations.Migration):
    """What the migrations before it make, at once: a new database is there in a fraction of the time."""

    replaces = [('customers', '0001_initial'), ('customers', '0002_idempotent_calls'), ('customers', '0003_gift_cards_and_tax'), ('customers', '0004_staff_phone'), ('customers', '0005_customer_merges'), ('customers', '0006_purchases_record'), ('customers', '0007_segments'), ('customers', '0008_idempotent_calls_ask'), ('customers', '0009_birthdays'), ('customers', '0010_attempts'), ('customers', '0011_contacts'), ('customers', '0012_attempts_turned_away'), ('customers', '0013_addresses_without_mail'), ('customers', '0014_rhythms'), ('customers', '0015_segment_terms'), ('customers', '0016_forecasts'), ('customers', '0017_recommendation_runs'), ('customers', '0018_chances_to_stay_away'), ('customers', '0019_recommendations_switched_off'), ('customers', '0020_most_to_lose_first'), ('customers', '0021_rhythm_map'), ('customers', '0022_overdue_by_rhythm'), ('customers', '0023_forecasts_mixed')]

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        migrations.CreateModel(
            name='Category',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=100, unique=True, verbose_name='code')),
                ('name', models.CharField(max_length=200, verbose_name='name')),
                ('parent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='children', to='customers.category', verbose_name='parent')),
            ],
            options={
                'verbose_name': 'category',
                'verbose_name_plural': 'categories',
                'constraints': [models.CheckConstraint(condition=models.Q(('code', ''), _negated=True), name='category_code_is_not_empty')],
            },
        ),
        migrations.CreateModel(
            name='Forecast',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('made_at', models.DateTimeField(unique=True, verbose_name='made at')),
                ('customers', models.PositiveIntegerField(verbose_name='customers')),
                ('weeks', models.PositiveSmallIntegerField(verbose_name='weeks foretold')),
                ('r', models.FloatField(verbose_name='r')),
                ('alpha', models.FloatField(verbose_name='alpha')),
                ('a', models.FloatField(verbose_name='a')),
                ('b', models.FloatField(verbose_name='b')),
                ('model_weight', models.FloatField(verbose_name='weight of the model')),
                ('range_stretch', models.FloatField(verbose_name='stretch of the ranges')),
                ('error', models.FloatField(null=True, verbose_name='off by')),
                ('plain_error', models.FloatField(null=True, verbose_name='off by, going on as before')),
                ('bias', models.FloatField(null=True, verbose_name='bias')),
                ('held', models.FloatField(null=True, verbose_name='share in their range')),
            ],
            options={
                'verbose_name': 'forecast',
                'verbose_name_plural': 'forecasts',
                'constraints': [models.CheckConstraint(condition=models.Q(('a__gt', 0), ('alpha__gt', 0), ('b__gt', 0), ('r__gt', 0)), name='forecast_parameters_are_positive'), models.CheckConstraint(condition=models.Q(('model_weight__range', (0, 1))), name='forecast_weight_is_a_share'), models.CheckConstraint(condition=models.Q(('range_stretch__gte', 1)), name='forecast_ranges_are_no_narrower')],
            },
        ),
        migrations.CreateModel(
            name='OutboxMail',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('to', models.CharField(max_length=1000, verbose_name='to')),
                ('subject', models.CharField(max_length=500, verbose_name='subject')),
                ('text', models.TextField(verbose_name='text')),
                ('html', models.TextField(blank=True, verbose_name='HTML')),
                ('headers', models.JSONField(default=dict, verbose_name='headers')),
                ('kept_at', models.DateTimeField(auto_now_add=True, verbose_name='kept at')),
            ],
            options={
                'verbose_name': 'outbox mail',
                'verbose_name_plural': 'outbox',
                'indexes': [models.Index(fields=['-kept_at', '-id'], name='outbox_newest_first')],
            },
        ),
        migrations.CreateModel(
            name='PurchaseImport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('file', models.FileField(upload_to='imports/%Y/%m/', verbose_name='file')),
                ('name', models.CharField(max_length=200, verbose_name='file name')),
                ('encoding', models.CharField(blank=True, max_length=20, verbose_name='encoding')),
                ('delimiter', models.CharField(blank=True, max_length=1, verbose_name='delimiter')),
                ('award_points', models.BooleanField(default=True, help_text="At the purchases' own dates; else only the facts are recorded.", verbose_name='award points')),
                ('state', models.CharField(choices=[('CHECKING', 'being checked'), ('READY', 'waiting for a go-ahead'), ('REFUSED', 'cannot be read'), ('QUEUED', 'queued'), ('RUNNING', 'running'), ('DONE', 'done'), ('FAILED', 'failed')], default='CHECKING', max_length=10, verbose_name='state')),
                ('uploaded_at', models.DateTimeField(verbose_name='uploaded at')),
                ('uploaded_by', models.CharField(max_length=40, verbose_name='uploaded by')),
                ('confirmed_at', models.DateTimeField(blank=True, null=True, verbose_name='confirmed at')),
                ('heartbeat_at', models.DateTimeField(editable=False, null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True, verbose_name='finished at')),
                ('rows_total', models.PositiveIntegerField(default=0, verbose_name='rows')),
                ('rows_done', models.PositiveIntegerField(default=0, verbose_name='rows done')),
                ('preview', models.JSONField(default=dict)),
                ('result', models.JSONField(default=dict)),
                ('rejects', models.FileField(blank=True, upload_to='imports/%Y/%m/', verbose_name='rejected rows')),
                ('error', models.TextField(blank=True, verbose_name='error')),
            ],
            options={
                'verbose_name': 'purchase import',
                'verbose_name_plural': 'purchase imports',
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['CHECKING', 'READY', 'REFUSED', 'QUEUED', 'RUNNING', 'DONE', 'FAILED'])), name='import_state_is_known')],
            },
        ),
        migrations.CreateModel(
            name='RecommendationRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('started_at', models.DateTimeField(verbose_name='started at')),
                ('customers', models.PositiveIntegerField(verbose_name='customers')),
                ('done', models.PositiveIntegerField(default=0, verbose_name='customers done')),
                ('is_finished', models.BooleanField(default=False, verbose_name='finished')),
                ('content', models.BinaryField(default=bytes)),
            ],
            options={
                'verbose_name': 'making of recommendations',
                'verbose_name_plural': 'makings of recommendations',
                'constraints': [models.CheckConstraint(condition=models.Q(('done__lte', models.F('customers'))), name='recommendation_run_makes_no_more_than_there_are')],
            },
        ),
        migrations.CreateModel(
            name='RhythmMap',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('only', models.BooleanField(default=True, editable=False, unique=True)),
                ('made_at', models.DateTimeField(verbose_name='made at')),
                ('tallies', models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder, verbose_name='tallies')),
                ('strangers', models.PositiveIntegerField(verbose_name='customers who have not bought')),
                ('drifting', models.PositiveIntegerField(verbose_name='drifting away')),
            ],
            options={
                'verbose_name': 'RFM map',
                'verbose_name_plural': 'RFM maps',
                'constraints': [models.CheckConstraint(condition=models.Q(('only', True)), name='rhythm_map_is_one_row')],
            },
        ),
        migrations.CreateModel(
            name='Segment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200, unique=True, verbose_name='name')),
                ('description', models.TextField(blank=True, verbose_name='description')),
                ('terms', models.JSONField(blank=True, editable=False, null=True, verbose_name='filters')),
                ('refreshed_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='refreshed at')),
            ],
            options={
                'verbose_name': 'segment',
                'verbose_name_plural': 'segments',
                'constraints': [models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='segment_name_is_not_empty'), models.CheckConstraint(condition=models.Q(('terms__isnull', True), models.Q(('terms', []), _negated=True), _connector='OR'), name='segment_terms_are_not_empty'), models.CheckConstraint(condition=models.Q(('refreshed_at__isnull', True), ('terms__isnull', False), _connector='OR'), name='segment_is_refreshed_where_it_has_terms')],
            },
        ),
        migrations.CreateModel(
            name='SoftBounce',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('address', models.CharField(max_length=320)),
                ('reference', models.CharField(max_length=100, unique=True)),
                ('bounced_at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['address', 'bounced_at'], name='soft_bounce_of_address')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('address', ''), _negated=True), ('address', django.db.models.functions.text.Lower('address'))), name='soft_bounce_is_lower_case'), models.CheckConstraint(condition=models.Q(('reference', ''), _negated=True), name='soft_bounce_names_its_mail')],
            },
        ),
        migrations.CreateModel(
            name='Store',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=64, unique=True, verbose_name='code')),
                ('name', models.CharField(max_length=200, verbose_name='name')),
                ('timezone', models.CharField(default='UTC', max_length=64, validators=[loyalty_site.lib.timezones.validate_timezone], verbose_name='time zone')),
                ('currency', models.CharField(default='CNY', max_length=3, validators=[django.core.validators.RegexValidator('^[A-Z]{3}$', 'Three capitals.')], verbose_name='currency')),
                ('closed_at', models.DateTimeField(blank=True, null=True, verbose_name='closed at')),
            ],
            options={
                'verbose_name': 'store',
                'verbose_name_plural': 'stores',
                'constraints': [models.CheckConstraint(condition=models.Q(('code', ''), _negated=True), name='store_code_is_not_empty'), models.CheckConstraint(condition=models.Q(('currency__regex', '^[A-Z]{3}$')), name='store_currency_is_three_capitals')],
            },
        ),
        migrations.CreateModel(
            name='SuppressedAddress',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('address', models.CharField(max_length=320, verbose_name='address')),
                ('reason', models.CharField(choices=[('HARD_BOUNCE', 'there is no such mailbox'), ('SOFT_BOUNCES', 'mails came back several times'), ('COMPLAINT', 'reported our mail as spam'), ('STAFF', 'entered by staff')], max_length=15, verbose_name='reason')),
                ('detail', models.CharField(blank=True, max_length=500, verbose_name='what was told')),
                ('suppressed_at', models.DateTimeField(verbose_name='since')),
                ('suppressed_by', models.CharField(max_length=40, verbose_name='by')),
                ('lifted_at', models.DateTimeField(blank=True, null=True, verbose_name='lifted at')),
                ('lifted_by', models.CharField(blank=True, max_length=40, verbose_name='lifted by')),
            ],
            options={
                'verbose_name': 'address without mail',
                'verbose_name_plural': 'addresses without mail',
                'constraints': [models.CheckConstraint(condition=models.Q(('reason__in', ['HARD_BOUNCE', 'SOFT_BOUNCES', 'COMPLAINT', 'STAFF'])), name='suppressed_address_reason_is_known'), models.UniqueConstraint(condition=models.Q(('lifted_at__isnull', True)), fields=('address',), name='suppressed_address_once_at_a_time'), models.CheckConstraint(condition=models.Q(models.Q(('address', ''), _negated=True), ('address', django.db.models.functions.text.Lower('address'))), name='suppressed_address_is_lower_case'), models.CheckConstraint(condition=models.Q(models.Q(('lifted_at__isnull', True), ('lifted_by', '')), models.Q(('lifted_at__isnull', False), models.Q(('lifted_by', ''), _negated=True)), _connector='OR'), name='suppressed_address_lifted_by_somebody'), models.CheckConstraint(condition=models.Q(('lifted_at__isnull', True), ('lifted_at__gte', models.F('suppressed_at')), _connector='OR'), name='suppressed_address_lifted_after_it_began')],
            },
        ),
        migrations.CreateModel(
            name='AttemptCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=80, verbose_name='who or where')),
                ('window_start', models.DateTimeField(verbose_name='from')),
                ('window_end', models.DateTimeField(verbose_name='until')),
                ('failures', models.PositiveIntegerField(verbose_name='failures')),
                ('failures_max', models.PositiveIntegerField(verbose_name='failures at most')),
                ('turned_away', models.PositiveIntegerField(db_default=0, default=0, verbose_name='tries turned away')),
            ],
            options={
                'verbose_name': 'tries of codes',
                'verbose_name_plural': 'tries of codes',
                'indexes': [models.Index(fields=['window_end'], name='attempt_count_to_forget'), models.Index(condition=models.Q(('failures', models.F('failures_max'))), fields=['-window_start'], name='attempt_count_at_its_limit')],
                'constraints': [models.UniqueConstraint(fields=('key', 'window_start'), name='attempt_count_once_per_window'), models.CheckConstraint(condition=models.Q(('failures__lte', models.F('failures_max'))), name='attempt_count_within_limit'), models.CheckConstraint(condition=models.Q(('window_end__gt', models.F('window_start'))), name='attempt_count_window_has_length')],
            },
        ),
        migrations.CreateModel(
            name='AuditEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('happened_at', models.DateTimeField(verbose_name='happened at')),
                ('actor', models.CharField(max_length=40, verbose_name='actor')),
                ('action', models.CharField(max_length=60, verbose_name='action')),
                ('subject', models.CharField(max_length=80, verbose_name='subject')),
                ('reason', models.TextField(blank=True, verbose_name='reason')),
                ('data', models.JSONField(blank=True, default=dict, verbose_name='data')),
            ],
            options={
                'verbose_name': 'audit event',
                'verbose_name_plural': 'audit log',
                'indexes': [models.Index(fields=['-happened_at', '-id'], name='audit_newest_first'), models.Index(fields=['subject', '-id'], name='audit_of_subject')],
            },
        ),
        migrations.CreateModel(
            name='Customer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.CharField(editable=False, help_text='Printed on the card.', max_length=8, unique=True, verbose_name='number')),
                ('name', models.CharField(blank=True, max_length=200, verbose_name='name')),
                ('email', models.EmailField(blank=True, max_length=254, verbose_name='e-mail')),
                ('phone', phonenumber_field.modelfields.PhoneNumberField(blank=True, max_length=128, region=None, verbose_name='phone')),
                ('birthday', models.DateField(blank=True, null=True, verbose_name='birthday')),
                ('language', models.CharField(choices=[('en', 'English'), ('zh-hans', 'Simplified Chinese')], default='en', max_length=10, verbose_name='language')),
                ('enrolled_at', models.DateTimeField(verbose_name='enrolled at')),
                ('closed_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='closed at')),
                ('profiling_refused_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='recommendations switched off at')),
                ('erased_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='erased at')),
                ('merged_into', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='merged_from', to='customers.customer', verbose_name='merged into')),
                ('home_store', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='customers', to='customers.store', verbose_name='home store')),
            ],
            options={
                'verbose_name': 'customer',
                'verbose_name_plural': 'customers',
                'indexes': [models.Index(django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Upper('name'), name='text_pattern_ops'), name='customer_by_name_start'), models.Index(fields=['-enrolled_at'], name='customer_newest_first'), models.Index(django.db.models.functions.datetime.ExtractMonth('birthday'), django.db.models.functions.datetime.ExtractDay('birthday'), condition=models.Q(('birthday__isnull', False), ('closed_at__isnull', True)), name='customer_by_birthday')],
                'constraints': [models.UniqueConstraint(django.db.models.functions.text.Lower('email'), condition=models.Q(('email', ''), _negated=True), name='customer_email_is_unique'), models.UniqueConstraint(condition=models.Q(('phone', ''), _negated=True), fields=('phone',), name='customer_phone_is_unique'), models.CheckConstraint(condition=models.Q(('language__in', ['en', 'zh-hans'])), name='customer_language_is_known'), models.CheckConstraint(condition=models.Q(('erased_at__isnull', True), models.Q(('birthday__isnull', True), ('email', ''), ('name', ''), ('phone', '')), _connector='OR'), name='customer_erased_keeps_nothing_personal'), models.CheckConstraint(condition=models.Q(('merged_into__isnull', True), ('closed_at__isnull', False), _connector='OR'), name='customer_merged_is_closed'), models.CheckConstraint(condition=models.Q(('merged_into__isnull', True), models.Q(('merged_into', models.F('pk')), _negated=True), _connector='OR'), name='customer_is_not_merged_into_itself'), models.CheckConstraint(condition=models.Q(('erased_at__isnull', True), ('closed_at__isnull', False), _connector='OR'), name='customer_erased_is_closed')],
            },
        ),
        migrations.CreateModel(
            name='Product',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sku', models.CharField(max_length=64, unique=True, verbose_name='sku')),
                ('name', models.CharField(max_length=200, verbose_name='name')),
                ('discontinued_at', models.DateTimeField(blank=True, help_text='Never recommended from then on.', null=True, verbose_name='discontinued at')),
                ('category', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='products', to='customers.category', verbose_name='category')),
            ],
            options={
                'verbose_name': 'product',
                'verbose_name_plural': 'products',
                'constraints': [models.CheckConstraint(condition=models.Q(('sku', ''), _negated=True), name='product_sku_is_not_empty')],
            },
        ),
        migrations.CreateModel(
            name='SegmentSize',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField(verbose_name='day')),
                ('customers', models.PositiveIntegerField(verbose_name='customers')),
                ('segment', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='sizes', to='customers.segment', verbose_name='segment')),
            ],
            options={
                'verbose_name': 'size of a segment',
                'verbose_name_plural': 'sizes of segments',
                'constraints': [models.UniqueConstraint(fields=('segment', 'day'), name='segment_has_one_size_a_day')],
            },
        ),
        migrations.CreateModel(
            name='Till',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, verbose_name='name')),
                ('key_hash', models.CharField(editable=False, max_length=64, unique=True)),
                ('key_start', models.CharField(editable=False, max_length=8, verbose_name='key begins with')),
                ('scopes', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('read', 'look up'), ('sell', 'sell and take back'), ('enroll', 'enroll customers')], max_length=10), size=None, verbose_name='may')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created at')),
                ('last_seen_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='last seen at')),
                ('revoked_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='revoked at')),
                ('store', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='tills', to='customers.store', verbose_name='store')),
            ],
            options={
                'verbose_name': 'till',
                'verbose_name_plural': 'tills',
                'constraints': [models.UniqueConstraint(fields=('store', 'name'), name='till_name_is_unique_in_its_store'), models.CheckConstraint(condition=models.Q(('scopes__contained_by', ['read', 'sell', 'enroll'])), name='till_scopes_are_known')],
            },
        ),
        migrations.CreateModel(
            name='User',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                ('first_name', models.CharField(blank=True, max_length=150, verbose_name='first name')),
                ('last_name', models.CharField(blank=True, max_length=150, verbose_name='last name')),
                ('is_staff', models.BooleanField(default=False, help_text='Designates whether the user can log into this admin site.', verbose_name='staff status')),
                ('is_active', models.BooleanField(default=True, help_text='Designates whether this user should be treated as active. Unselect this instead of deleting accounts.', verbose_name='active')),
                ('date_joined', models.DateTimeField(default=django.utils.timezone.now, verbose_name='date joined')),
                ('email', models.EmailField(max_length=254, verbose_name='e-mail')),
                ('phone', phonenumber_field.modelfields.PhoneNumberField(blank=True, help_text='Their own: so that serving themselves as a customer is noticed.', max_length=128, region=None, verbose_name='phone')),
                ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
                ('stores', models.ManyToManyField(blank=True, help_text='Empty means every store.', related_name='staff', to='customers.store', verbose_name='stores')),
            ],
            options={
                'verbose_name': 'staff member',
                'verbose_name_plural': 'staff',
                'constraints': [models.UniqueConstraint(django.db.models.functions.text.Lower('email'), name='user_email_is_unique')],
            },
        ),
        migrations.CreateModel(
            name='Card',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.CharField(max_length=64, unique=True, verbose_name='number')),
                ('added_at', models.DateTimeField(verbose_name='added at')),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='cards', to='customers.customer', verbose_name='customer')),
            ],
            options={
                'verbose_name': 'card',
                'verbose_name_plural': 'cards',
                'constraints': [models.CheckConstraint(condition=models.Q(('number', ''), _negated=True), name='card_number_is_not_empty')],
            },
        ),
        migrations.CreateModel(
            name='Consent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('purpose', models.CharField(choices=[('survey_email', 'surveys by e-mail'), ('marketing_email', 'offers and news by e-mail')], max_length=20, verbose_name='purpose')),
                ('granted_at', models.DateTimeField(verbose_name='granted at')),
                ('granted_by', models.CharField(max_length=40, verbose_name='granted by')),
                ('withdrawn_at', models.DateTimeField(blank=True, null=True, verbose_name='withdrawn at')),
                ('withdrawn_by', models.CharField(blank=True, max_length=40, verbose_name='withdrawn by')),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='consents', to='customers.customer', verbose_name='customer')),
            ],
            options={
                'verbose_name': 'consent',
                'verbose_name_plural': 'consents',
                'constraints': [models.UniqueConstraint(condition=models.Q(('withdrawn_at__isnull', True)), fields=('customer', 'purpose'), name='consent_is_open_once'), models.CheckConstraint(condition=models.Q(('purpose__in', ['survey_email', 'marketing_email'])), name='consent_purpose_is_known'), models.CheckConstraint(condition=models.Q(models.Q(('withdrawn_at__isnull', True), ('withdrawn_by', '')), models.Q(('withdrawn_at__isnull', False), models.Q(('withdrawn_by', ''), _negated=True)), _connector='OR'), name='consent_withdrawn_by_someone')],
            },
        ),
        migrations.CreateModel(
            name='Contact',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reference', models.CharField(max_length=100, unique=True, verbose_name='reference')),
                ('sent_at', models.DateTimeField(verbose_name='sent at')),
                ('customer', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='contacts', to='customers.customer', verbose_name='customer')),
            ],
            options={
                'verbose_name': 'contact by mail',
                'verbose_name_plural': 'contacts by mail',
                'indexes': [models.Index(fields=['customer', 'sent_at'], name='contact_of_customer')],
                'constraints': [models.CheckConstraint(condition=models.Q(('reference', ''), _negated=True), name='contact_reference_is_not_empty')],
            },
        ),
        migrations.CreateModel(
            name='CustomerMerge',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('merged_at', models.DateTimeField(verbose_name='merged at')),
                ('merged_by', models.CharField(max_length=40, verbose_name='merged by')),
                ('reason', models.CharField(blank=True, max_length=500, verbose_name='reason')),
                ('moved', models.JSONField(default=dict, verbose_name='moved')),
                ('contacts', models.JSONField(default=dict, verbose_name='contacts')),
                ('undone_at', models.DateTimeField(blank=True, null=True, verbose_name='undone at')),
                ('undone_by', models.CharField(blank=True, max_length=40, verbose_name='undone by')),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='merges_away', to='customers.customer', verbose_name='merged customer')),
                ('target', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='merges_in', to='customers.customer', verbose_name='into')),
            ],
            options={
                'verbose_name': 'merge of customers',
                'verbose_name_plural': 'merges of customers',
                'indexes': [models.Index(fields=['-merged_at', '-id'], name='merge_newest_first')],
                'constraints': [models.CheckConstraint(condition=models.Q(('source', models.F('target')), _negated=True), name='merge_joins_two_customers'), models.UniqueConstraint(condition=models.Q(('undone_at__isnull', True)), fields=('source',), name='merge_of_a_customer_is_open_once'), models.CheckConstraint(condition=models.Q(models.Q(('undone_at__isnull', True), ('undone_by', '')), models.Q(('undone_at__isnull', False), models.Q(('undone_by', ''), _negated=True)), _connector='OR'), name='merge_undone_says_by_whom')],
            },
        ),
        migrations.CreateModel(
            name='IdempotentCall',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=255, verbose_name='key')),
                ('fingerprint', models.BinaryField(max_length=32)),
                ('status', models.PositiveSmallIntegerField(verbose_name='status')),
                ('body', models.TextField(verbose_name='answer')),
                ('created_at', models.DateTimeField(verbose_name='created at')),
                ('till', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='calls', to='customers.till', verbose_name='till')),
            ],
            options={
                'verbose_name': 'answered call',
                'verbose_name_plural': 'answered calls',
                'indexes': [models.Index(fields=['created_at'], name='idempotent_call_to_forget')],
                'constraints': [models.UniqueConstraint(fields=('till', 'key'), name='idempotent_call_is_answered_once')],
            },
        ),
        migrations.CreateModel(
            name='Preference',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('stated_at', models.DateTimeField(verbose_name='stated at')),
                ('category', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='customers.category', verbose_name='category')),
                ('customer', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='preferences', to='customers.customer', verbose_name='customer')),
            ],
            options={
                'verbose_name': 'preference',
                'verbose_name_plural': 'preferences',
                'constraints': [models.UniqueConstraint(fields=('customer', 'category'), name='preference_is_stated_once')],
            },
        ),
        migrations.CreateModel(
            name='ProductRating',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('stars', models.PositiveSmallIntegerField(verbose_name='stars')),
                ('rated_at', models.DateTimeField(verbose_name='rated at')),
                ('customer', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='ratings', to='customers.customer', verbose_name='customer')),
                ('product', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='customers.product', verbose_name='product')),
            ],
            options={
                'verbose_name': 'product rating',
                'verbose_name_plural': 'product ratings',
                'constraints': [models.UniqueConstraint(fields=('customer', 'product'), name='product_is_rated_once_by_a_customer'), models.CheckConstraint(condition=models.Q(('stars__range', (1, 5))), name='product_rating_is_one_to_five_stars')],
            },
        ),
        migrations.CreateModel(
            name='Purchase',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('receipt_number', models.CharField(max_length=100, verbose_name='receipt number')),
                ('source', models.CharField(choices=[('TILL', 'till'), ('IMPORT', 'import'), ('STAFF', 'staff')], max_length=10, verbose_name='source')),
                ('purchased_at', models.DateTimeField(verbose_name='purchased at')),
                ('recorded_at', models.DateTimeField(verbose_name='recorded at')),
                ('recorded_by', models.CharField(max_length=40, verbose_name='recorded by')),
                ('currency', models.CharField(max_length=3, verbose_name='currency')),
                ('total_minor', models.BigIntegerField(verbose_name='total')),
                ('discount_minor', models.BigIntegerField(default=0, verbose_name='coupon discount')),
                ('points_value_minor', models.BigIntegerField(default=0, verbose_name='paid with points')),
                ('paid_minor', models.BigIntegerField(verbose_name='paid')),
                ('gift_card_minor', models.BigIntegerField(db_default=0, default=0, verbose_name='of it with gift cards')),
                ('fingerprint', models.BinaryField(default=bytes, max_length=32)),
                ('customer', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='purchases', to='customers.customer', verbose_name='customer')),
                ('store', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.store', verbose_name='store')),
            ],
            options={
                'verbose_name': 'purchase',
                'verbose_name_plural': 'purchases',
                'indexes': [models.Index(fields=['customer', '-purchased_at', '-id'], name='purchase_of_customer'), models.Index(fields=['-purchased_at', '-id'], name='purchase_newest_first')],
                'constraints': [models.UniqueConstraint(fields=('store', 'receipt_number'), name='purchase_is_told_once_per_store'), models.CheckConstraint(condition=models.Q(('receipt_number', ''), _negated=True), name='purchase_receipt_number_is_not_empty'), models.CheckConstraint(condition=models.Q(('source__in', ['TILL', 'IMPORT', 'STAFF'])), name='purchase_source_is_known'), models.CheckConstraint(condition=models.Q(('discount_minor__gte', 0), ('paid_minor__gte', 0), ('points_value_minor__gte', 0), ('total_minor__gte', 0)), name='purchase_amounts_not_negative'), models.CheckConstraint(condition=models.Q(('paid_minor', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('total_minor'), '-', models.F('discount_minor')), '-', models.F('points_value_minor')))), name='purchase_paid_is_what_remains'), models.CheckConstraint(condition=models.Q(('gift_card_minor__gte', 0), ('gift_card_minor__lte', models.F('paid_minor'))), name='purchase_gift_cards_within_paid')],
            },
        ),
        migrations.CreateModel(
            name='Recommendation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('rank', models.PositiveSmallIntegerField(verbose_name='rank')),
                ('kind', models.CharField(choices=[('again', 'again'), ('new', 'new')], max_length=5, verbose_name='kind')),
                ('score', models.FloatField(verbose_name='score')),
                ('reason', models.JSONField(default=dict, verbose_name='reason')),
                ('made_at', models.DateTimeField(verbose_name='made at')),
                ('customer', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='recommendations', to='customers.customer', verbose_name='customer')),
                ('product', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='customers.product', verbose_name='product')),
            ],
            options={
                'verbose_name': 'recommendation',
                'verbose_name_plural': 'recommendations',
                'constraints': [models.UniqueConstraint(fields=('customer', 'rank'), name='recommendation_rank_is_unique'), models.UniqueConstraint(fields=('customer', 'product'), name='recommendation_names_a_product_once'), models.CheckConstraint(condition=models.Q(('kind__in', ['again', 'new'])), name='recommendation_kind_is_known')],
            },
        ),
        migrations.CreateModel(
            name='SegmentMember',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('since', models.DateTimeField(verbose_name='since')),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='segments', to='customers.customer', verbose_name='customer')),
                ('segment', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='members', to='customers.segment', verbose_name='segment')),
            ],
            options={
                'verbose_name': 'member of a segment',
                'verbose_name_plural': 'members of segments',
                'constraints': [models.UniqueConstraint(fields=('segment', 'customer'), name='segment_holds_a_customer_once')],
            },
        ),
        migrations.CreateModel(
            name='SignInCode',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('address_hash', models.CharField(editable=False, max_length=64)),
                ('browser_hash', models.CharField(editable=False, max_length=64, unique=True)),
                ('requested_at', models.DateTimeField()),
                ('sent_at', models.DateTimeField(null=True)),
                ('code_hash', models.CharField(blank=True, editable=False, max_length=64)),
                ('failed_attempts', models.PositiveSmallIntegerField(default=0)),
                ('used_at', models.DateTimeField(null=True)),
                ('customer', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='customers.customer')),
            ],
            options={
                'verbose_name': 'sign-in code',
                'verbose_name_plural': 'sign-in codes',
                'indexes': [models.Index(fields=['address_hash', 'requested_at'], name='sign_in_code_by_address'), models.Index(condition=models.Q(('sent_at__isnull', True)), fields=['requested_at'], name='sign_in_code_to_send')],
            },
        ),
        migrations.CreateModel(
            name='Rhythm',
            fields=[
                ('customer', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='rhythm', serialize=False, to='customers.customer', verbose_name='customer')),
                ('first_on', models.DateField(verbose_name='first purchase')),
                ('last_on', models.DateField(verbose_name='last purchase')),
                ('days', models.PositiveIntegerField(verbose_name='days with a purchase')),
                ('year_days', models.PositiveIntegerField(verbose_name='days with a purchase in a year')),
                ('year_spend_minor', models.BigIntegerField(verbose_name='spent in a year')),
                ('currency', models.CharField(max_length=3, verbose_name='currency')),
                ('recency', models.PositiveSmallIntegerField(choices=[(1, '1'), (2, '2'), (3, '3'), (4, '4'), (5, '5')], null=True, verbose_name='recency')),
                ('frequency', models.PositiveSmallIntegerField(choices=[(1, '1'), (2, '2'), (3, '3'), (4, '4'), (5, '5')], null=True, verbose_name='frequency')),
                ('monetary', models.PositiveSmallIntegerField(choices=[(1, '1'), (2, '2'), (3, '3'), (4, '4'), (5, '5')], null=True, verbose_name='money')),
                ('volume', models.PositiveSmallIntegerField(choices=[(1, '1'), (2, '2'), (3, '3'), (4, '4'), (5, '5')], null=True, verbose_name='frequency and money')),
                ('group', models.CharField(choices=[('CHAMPIONS', 'champions'), ('LOYAL', 'loyal'), ('POTENTIAL', 'potential loyalists'), ('NEW', 'new'), ('PROMISING', 'promising'), ('NEED_ATTENTION', 'need attention'), ('ABOUT_TO_SLEEP', 'about to sleep'), ('AT_RISK', 'at risk'), ('CANNOT_LOSE', 'cannot lose them'), ('HIBERNATING', 'hibernating'), ('LOST', 'lost')], max_length=14, verbose_name='RFM group')),
                ('usual_days', models.PositiveIntegerField(null=True, verbose_name='usual gap in days')),
                ('due_on', models.DateField(null=True, verbose_name='due on')),
                ('drifts_from', models.DateField(null=True, verbose_name='drifts away from')),
                ('visits_expected', models.DecimalField(decimal_places=1, max_digits=6, null=True, verbose_name='visits expected in a year')),
                ('visits_low', models.PositiveSmallIntegerField(null=True, verbose_name='visits at least')),
                ('visits_high', models.PositiveSmallIntegerField(null=True, verbose_name='visits at most')),
                ('visit_spend_minor', models.BigIntegerField(null=True, verbose_name='a visit is worth')),
                ('stays_away_percent', models.PositiveSmallIntegerField(null=True, verbose_name='stays away for 28 days (percent)')),
            ],
            options={
                'verbose_name': 'rhythm of a customer',
                'verbose_name_plural': 'rhythms of customers',
                'indexes': [models.Index(fields=['-last_on', '-customer'], name='rhythm_latest_first'), models.Index(fields=['group', '-last_on', '-customer'], name='rhythm_of_group'), models.Index(models.OrderBy(django.db.models.expressions.CombinedExpression(models.F('year_spend_minor'), '*', django.db.models.functions.comparison.Coalesce('stays_away_percent', models.Value(100))), descending=True), models.OrderBy(models.F('customer'), descending=True), name='rhythm_most_to_lose_first'), models.Index(fields=['drifts_from'], name='rhythm_drifts_from'), models.Index(fields=['volume', 'recency', '-last_on', '-customer'], name='rhythm_of_cell')],
                'constraints': [models.CheckConstraint(condition=models.Q(('group__in', ['CHAMPIONS', 'LOYAL', 'POTENTIAL', 'NEW', 'PROMISING', 'NEED_ATTENTION', 'ABOUT_TO_SLEEP', 'AT_RISK', 'CANNOT_LOSE', 'HIBERNATING', 'LOST'])), name='rhythm_group_is_known'), models.CheckConstraint(condition=models.Q(models.Q(('frequency__isnull', True), ('group', 'LOST'), ('monetary__isnull', True), ('recency__isnull', True), ('volume__isnull', True)), models.Q(models.Q(('group', 'LOST'), _negated=True), ('frequency__isnull', False), ('monetary__isnull', False), ('recency__isnull', False), ('volume__isnull', False), ('frequency__range', (1, 5)), ('monetary__range', (1, 5)), ('recency__range', (1, 5)), ('volume__range', (1, 5))), _connector='OR'), name='rhythm_scores_are_one_to_five_or_lost'), models.CheckConstraint(condition=models.Q(('days__gte', 1), ('first_on__lte', models.F('last_on')), ('year_days__lte', models.F('days'))), name='rhythm_days_are_in_order'), models.CheckConstraint(condition=models.Q(models.Q(('drifts_from__isnull', True), ('due_on__isnull', True), ('usual_days__isnull', True)), models.Q(('drifts_from__isnull', False), ('due_on__isnull', False), ('usual_days__isnull', False), ('drifts_from__gte', models.F('due_on')), ('due_on__gt', models.F('last_on')), ('usual_days__gte', 1)), _connector='OR'), name='rhythm_usual_gap_has_its_dates'), models.CheckConstraint(condition=models.Q(models.Q(('visit_spend_minor__isnull', True), ('visits_expected__isnull', True), ('visits_high__isnull', True), ('visits_low__isnull', True)), models.Q(('visit_spend_minor__isnull', False), ('visits_expected__isnull', False), ('visits_high__isnull', False), ('visits_low__isnull', False), ('visit_spend_minor__gte', 0), ('visits_expected__gte', 0), ('visits_high__gte', models.F('visits_low')), ('visits_low__gte', 0)), _connector='OR'), name='rhythm_visits_come_with_their_range'), models.CheckConstraint(condition=models.Q(('stays_away_percent__isnull', True), ('stays_away_percent__range', (0, 100)), _connector='OR'), name='rhythm_chance_is_a_percentage')],
            },
        ),
        migrations.CreateModel(
            name='PurchaseLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveIntegerField(verbose_name='line')),
                ('quantity', models.DecimalField(decimal_places=3, max_digits=12, verbose_name='quantity')),
                ('amount_minor', models.BigIntegerField(verbose_name='amount')),
                ('discount_minor', models.BigIntegerField(default=0, verbose_name='coupon discount')),
                ('tax_minor', models.BigIntegerField(db_default=0, default=0, verbose_name='tax in it')),
                ('product', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.product', verbose_name='product')),
                ('purchase', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='customers.purchase')),
            ],
            options={
                'verbose_name': 'purchase line',
                'verbose_name_plural': 'purchase lines',
                'constraints': [models.UniqueConstraint(fields=('purchase', 'position'), name='purchase_line_position_is_unique'), models.CheckConstraint(condition=models.Q(('amount_minor__gte', 0), ('discount_minor__gte', 0), ('quantity__gte', 0)), name='purchase_line_not_negative'), models.CheckConstraint(condition=models.Q(('discount_minor__lte', models.F('amount_minor'))), name='purchase_line_discount_within_amount'), models.CheckConstraint(condition=models.Q(('tax_minor__gte', 0), ('tax_minor__lte', models.F('amount_minor'))), name='purchase_line_tax_within_amount')],
            },
        ),
        migrations.CreateModel(
            name='PurchaseReturn',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('return_number', models.CharField(max_length=100, verbose_name='return number')),
                ('returned_at', models.DateTimeField(verbose_name='returned at')),
                ('recorded_at', models.DateTimeField(verbose_name='recorded at')),
                ('recorded_by', models.CharField(max_length=40, verbose_name='recorded by')),
                ('fingerprint', models.BinaryField(default=bytes, max_length=32)),
                ('purchase', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='returns', to='customers.purchase', verbose_name='purchase')),
                ('store', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.store', verbose_name='store')),
            ],
            options={
                'verbose_name': 'return',
                'verbose_name_plural': 'returns',
                'constraints': [models.UniqueConstraint(fields=('store', 'return_number'), name='return_is_told_once_per_store'), models.CheckConstraint(condition=models.Q(('return_number', ''), _negated=True), name='return_number_is_not_empty')],
            },
        ),
        migrations.CreateModel(
            name='PurchaseReturnLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('quantity', models.DecimalField(decimal_places=3, max_digits=12, verbose_name='quantity')),
                ('amount_minor', models.BigIntegerField(verbose_name='amount')),
                ('line', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='returned', to='customers.purchaseline', verbose_name='line')),
                ('purchase_return', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='customers.purchasereturn')),
            ],
            options={
                'verbose_name': 'returned line',
                'verbose_name_plural': 'returned lines',
                'constraints': [models.UniqueConstraint(fields=('purchase_return', 'line'), name='return_names_a_line_once'), models.CheckConstraint(condition=models.Q(('amount_minor__gte', 0), ('quantity__gte', 0)), name='return_line_not_negative')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='auditevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='317a6d8a99de88bc94fe9e98e08758b7757d4d59', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_ed38b', table='customers_auditevent', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='purchaseline',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='09cdaef8d53c6f75e87403da2f088b8032df797b', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_8a921', table='customers_purchaseline', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='purchasereturnline',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='714bd12da1ca55343c4dbe20ec2e25b427787cdf', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_fe772', table='customers_purchasereturnline', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='purchasereturn',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='0211673fe4dc682ec695bed6131088840c56366a', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_e9c4d', table='customers_purchasereturn', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='purchase',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='2559cbf3848fce6a1a5cf47d4232f32b566a8312', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_de5a1', table='customers_purchase', when='BEFORE')),
        ),
        _sql.install(
            "attempts",
            "idempotent_calls",
            "purchases_record",
        ),
    ]
