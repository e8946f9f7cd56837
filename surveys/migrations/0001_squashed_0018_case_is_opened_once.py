import django.contrib.postgres.fields
import django.core.validators
import django.db.models.constraints
import django.db.models.deletion
import loyalty_site.lib.texts
import loyalty_site.lib.timezones
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """What the migrations before it make, at once: a new database is there in a fraction of the time."""

    replaces = [('surveys', '0001_initial'), ('surveys', '0002_cases'), ('surveys', '0003_follow_up'), ('surveys', '0004_questions'), ('surveys', '0005_campaign_experiments'), ('surveys', '0006_partial_responses'), ('surveys', '0007_open_links'), ('surveys', '0008_facts_that_stay_together'), ('surveys', '0009_anonymous_answers'), ('surveys', '0010_schedules'), ('surveys', '0011_intents'), ('surveys', '0012_held_deliveries'), ('surveys', '0013_addresses_without_mail'), ('surveys', '0014_words_of_campaigns'), ('surveys', '0015_stores_of_answers'), ('surveys', '0016_opened_by_programs'), ('surveys', '0017_barriers_in_use'), ('surveys', '0018_case_is_opened_once')]

    initial = True

    dependencies = [
        ('customers', '0001_squashed_0023_forecasts_mixed'),
        ('customers', '__first__'),
        ('rewards', '0001_squashed_0051_surprises_by_rhythm'),
    ]

    operations = [
        migrations.CreateModel(
            name='GestureBudget',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('month', models.DateField(verbose_name='month')),
                ('points_max', models.PositiveIntegerField(default=0, verbose_name='points at most')),
                ('budget_minor', models.PositiveBigIntegerField(default=0, verbose_name='budget (minor units)')),
                ('points_spent', models.PositiveIntegerField(default=0, editable=False, verbose_name='points given')),
                ('spent_minor', models.PositiveBigIntegerField(default=0, editable=False, verbose_name='spent (minor units)')),
                ('store', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.store', verbose_name='store')),
            ],
            options={
                'verbose_name': 'budget of gestures',
                'verbose_name_plural': 'budgets of gestures',
                'constraints': [models.UniqueConstraint(fields=('store', 'month'), name='gesture_budget_is_written_once_a_month'), models.CheckConstraint(condition=models.Q(('month__day', 1)), name='gesture_budget_begins_a_month'), models.CheckConstraint(condition=models.Q(('points_spent__lte', models.F('points_max')), ('spent_minor__lte', models.F('budget_minor'))), name='gesture_budget_is_not_overdrawn')],
            },
        ),
        migrations.CreateModel(
            name='GestureOffer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('cost_minor', models.PositiveBigIntegerField(validators=[django.core.validators.MinValueValidator(1)], verbose_name='cost of each (minor units)')),
                ('offer', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='rewards.offer', verbose_name='offer')),
            ],
            options={
                'verbose_name': 'offer to say sorry',
                'verbose_name_plural': 'offers to say sorry',
                'constraints': [models.CheckConstraint(condition=models.Q(('cost_minor__gte', 1)), name='gesture_offer_costs_something')],
            },
        ),
        migrations.CreateModel(
            name='Survey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(help_text='For staff only.', max_length=200, verbose_name='name')),
                ('title', loyalty_site.lib.texts.LocalizedTextField(default=dict, verbose_name='title')),
                ('introduction', loyalty_site.lib.texts.LocalizedTextField(blank=True, default=dict, long=True, verbose_name='introduction')),
                ('thanks', loyalty_site.lib.texts.LocalizedTextField(blank=True, default=dict, long=True, verbose_name='thanks')),
                ('reward_points', models.PositiveIntegerField(default=0, verbose_name='points for answering')),
                ('is_anonymous', models.BooleanField(default=False, verbose_name='anonymous')),
                ('follow_up_hours', models.PositiveSmallIntegerField(blank=True, help_text='A low score opens a case that is due in so many hours. Empty: no cases.', null=True, validators=[django.core.validators.MinValueValidator(1)], verbose_name='follow up within (hours)')),
                ('published_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='published at')),
                ('closed_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='closed at')),
            ],
            options={
                'verbose_name': 'survey',
                'verbose_name_plural': 'surveys',
                'constraints': [models.CheckConstraint(condition=models.Q(('follow_up_hours__isnull', True), ('follow_up_hours__gte', 1), _connector='OR'), name='survey_leaves_time_to_follow_up'), models.CheckConstraint(condition=models.Q(('is_anonymous', False), ('follow_up_hours__isnull', True), _connector='OR'), name='survey_that_is_anonymous_opens_no_cases'), models.CheckConstraint(condition=models.Q(('closed_at__isnull', True), ('published_at__isnull', False), _connector='OR'), name='survey_is_closed_after_publishing')],
            },
        ),
        migrations.CreateModel(
            name='Question',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveSmallIntegerField(verbose_name='position')),
                ('kind', models.CharField(choices=[('NPS', 'how likely to recommend (0–10)'), ('CSAT', 'how satisfied (1–5)'), ('CES', 'how easy it was (1–7)'), ('SINGLE', 'one of several choices'), ('MULTIPLE', 'any of several choices'), ('TEXT', 'free text')], max_length=10, verbose_name='kind')),
                ('text', loyalty_site.lib.texts.LocalizedTextField(default=dict, long=True, verbose_name='text')),
                ('is_required', models.BooleanField(default=False, verbose_name='required')),
                ('follow_up_at_most', models.PositiveSmallIntegerField(blank=True, help_text='Such a score opens a case, if the survey says within how many hours it is due.', null=True, verbose_name='follow up at or below')),
                ('survey', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='questions', to='surveys.survey', verbose_name='survey')),
            ],
            options={
                'verbose_name': 'question',
                'verbose_name_plural': 'questions',
                'constraints': [models.UniqueConstraint(deferrable=django.db.models.constraints.Deferrable['DEFERRED'], fields=('survey', 'position'), name='question_position_is_unique'), models.CheckConstraint(condition=models.Q(('follow_up_at_most__isnull', True), ('kind__in', ('NPS', 'CSAT', 'CES')), _connector='OR'), name='question_follows_up_scores'), models.CheckConstraint(condition=models.Q(('kind__in', ['NPS', 'CSAT', 'CES', 'SINGLE', 'MULTIPLE', 'TEXT'])), name='question_kind_is_known')],
            },
        ),
        migrations.CreateModel(
            name='Campaign',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200, verbose_name='name')),
                ('state', models.CharField(choices=[('DRAFT', 'draft'), ('SCHEDULED', 'scheduled'), ('MATERIALIZING', 'choosing customers'), ('SENDING', 'sending'), ('PAUSED', 'paused'), ('COMPLETED', 'completed'), ('CANCELLED', 'cancelled'), ('NEEDS_ATTENTION', 'needs attention')], default='DRAFT', editable=False, max_length=15, verbose_name='state')),
                ('trigger', models.CharField(choices=[('DATE', 'once, on a date'), ('AFTER_PURCHASE', 'after each purchase'), ('RECURRING', 'again and again')], default='DATE', max_length=15, verbose_name='sent')),
                ('delay_hours', models.PositiveSmallIntegerField(blank=True, null=True, validators=[django.core.validators.MaxValueValidator(2160)], verbose_name='hours after the purchase')),
                ('every', models.PositiveSmallIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(1000)], verbose_name='every')),
                ('interval', models.CharField(blank=True, choices=[('DAY', 'days'), ('WEEK', 'weeks'), ('MONTH', 'months')], max_length=5, verbose_name='days, weeks or months')),
                ('end_date', models.DateField(blank=True, null=True, verbose_name='last day')),
                ('reminders', models.PositiveSmallIntegerField(choices=[(0, 'none'), (1, 'one'), (2, 'two')], default=0, verbose_name='reminders')),
                ('reminder_days', models.PositiveSmallIntegerField(default=3, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(90)], verbose_name='days between reminders')),
                ('languages', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('en', 'English'), ('zh-hans', 'Simplified Chinese')], max_length=10), blank=True, default=list, size=None, verbose_name='languages')),
                ('bought_within_days', models.PositiveSmallIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)], verbose_name='bought within (days)')),
                ('subject', loyalty_site.lib.texts.LocalizedTextField(blank=True, default=dict, help_text="Empty in a language: the survey's title in that language.", verbose_name='subject')),
                ('introduction', loyalty_site.lib.texts.LocalizedTextField(blank=True, default=dict, help_text="Empty in a language: the survey's introduction.", long=True, verbose_name='introduction')),
                ('start_date', models.DateField(blank=True, null=True, verbose_name='start date')),
                ('start_time', models.TimeField(blank=True, null=True, verbose_name='start time')),
                ('timezone', models.CharField(default='UTC', max_length=64, validators=[loyalty_site.lib.timezones.validate_timezone], verbose_name='time zone')),
                ('starts_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='starts at')),
                ('ends_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='ends at')),
                ('reached_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='looked at until')),
                ('ended_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='ended at')),
                ('scheduled_by', models.CharField(blank=True, editable=False, max_length=40, verbose_name='scheduled by')),
                ('attention', models.CharField(blank=True, editable=False, max_length=500, verbose_name='stopped because')),
                ('materialized_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='audience frozen at')),
                ('finished_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='finished at')),
                ('experiment', models.OneToOneField(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='campaign', to='rewards.experiment', verbose_name='experiment')),
                ('segment', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.segment', verbose_name='segment')),
                ('stores', models.ManyToManyField(blank=True, related_name='+', to='customers.store', verbose_name='stores')),
                ('survey', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='campaigns', to='surveys.survey', verbose_name='survey')),
            ],
            options={
                'verbose_name': 'campaign',
                'verbose_name_plural': 'campaigns',
                'indexes': [models.Index(condition=models.Q(('state', 'SCHEDULED')), fields=['starts_at'], name='campaign_waiting_for_its_time')],
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['DRAFT', 'SCHEDULED', 'MATERIALIZING', 'SENDING', 'PAUSED', 'COMPLETED', 'CANCELLED', 'NEEDS_ATTENTION'])), name='campaign_state_is_known'), models.CheckConstraint(condition=models.Q(('trigger__in', ['DATE', 'AFTER_PURCHASE', 'RECURRING'])), name='campaign_trigger_is_known'), models.CheckConstraint(condition=models.Q(models.Q(('delay_hours', None), ('end_date__isnull', True), ('every', None), ('interval', ''), ('trigger', 'DATE')), models.Q(('delay_hours__isnull', False), ('every', None), ('interval', ''), ('trigger', 'AFTER_PURCHASE')), models.Q(('delay_hours', None), ('every__gte', 1), ('interval__in', ['DAY', 'WEEK', 'MONTH']), ('trigger', 'RECURRING')), _connector='OR'), name='campaign_trigger_says_its_terms'), models.CheckConstraint(condition=models.Q(('reminder_days__gte', 1), ('reminders__lte', 2)), name='campaign_reminders_at_most_two'), models.CheckConstraint(condition=models.Q(('languages__contained_by', ['en', 'zh-hans'])), name='campaign_languages_are_known'), models.CheckConstraint(condition=models.Q(('end_date__isnull', True), ('start_date__isnull', True), ('end_date__gte', models.F('start_date')), _connector='OR'), name='campaign_ends_not_before_it_starts'), models.CheckConstraint(condition=models.Q(('state__in', ['DRAFT', 'CANCELLED']), models.Q(('starts_at__isnull', False), models.Q(('scheduled_by', ''), _negated=True)), _connector='OR'), name='campaign_scheduled_says_when_and_by_whom')],
            },
        ),
        migrations.CreateModel(
            name='OpenLink',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.CharField(help_text='Where it is seen: “poster at the till, Harbor”.', max_length=100, verbose_name='source')),
                ('code', models.CharField(editable=False, max_length=12, unique=True, verbose_name='code')),
                ('opened_at', models.DateTimeField(editable=False, verbose_name='opened at')),
                ('closed_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='closed at')),
                ('store', models.ForeignKey(blank=True, db_index=False, help_text='Where it hangs; the answers are counted there. Empty: in no store, or in many.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.store', verbose_name='store')),
                ('survey', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='open_links', to='surveys.survey', verbose_name='survey')),
            ],
            options={
                'verbose_name': 'open link',
                'verbose_name_plural': 'open links',
                'constraints': [models.UniqueConstraint(fields=('survey', 'source'), name='open_link_source_is_unique'), models.CheckConstraint(condition=models.Q(('source', ''), _negated=True), name='open_link_says_its_source'), models.CheckConstraint(condition=models.Q(('opened_at__isnull', True), ('closed_at__isnull', True), ('closed_at__gt', models.F('opened_at')), _connector='OR'), name='open_link_closes_after_it_opened')],
            },
        ),
        migrations.CreateModel(
            name='Occurrence',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('local_date', models.DateField(verbose_name='day')),
                ('due_at', models.DateTimeField(verbose_name='due at')),
                ('state', models.CharField(choices=[('MATERIALIZING', 'choosing customers'), ('CHOSEN', 'chosen'), ('LATE', 'too late, left out')], default='MATERIALIZING', max_length=15, verbose_name='state')),
                ('began_at', models.DateTimeField(verbose_name='began at')),
                ('reached', models.BigIntegerField(default=0, editable=False)),
                ('campaign', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='occurrences', to='surveys.campaign', verbose_name='campaign')),
            ],
            options={
                'verbose_name': 'occurrence',
                'verbose_name_plural': 'occurrences',
                'indexes': [models.Index(condition=models.Q(('state', 'MATERIALIZING')), fields=['due_at'], name='occurrence_choosing_customers')],
                'constraints': [models.UniqueConstraint(fields=('campaign', 'local_date'), name='occurrence_once_per_day'), models.CheckConstraint(condition=models.Q(('state__in', ['MATERIALIZING', 'CHOSEN', 'LATE'])), name='occurrence_state_is_known')],
            },
        ),
        migrations.CreateModel(
            name='QuestionChoice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveSmallIntegerField(verbose_name='position')),
                ('text', loyalty_site.lib.texts.LocalizedTextField(default=dict, verbose_name='text')),
                ('question', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='choices', to='surveys.question', verbose_name='question')),
            ],
            options={
                'verbose_name': 'choice',
                'verbose_name_plural': 'choices',
                'constraints': [models.UniqueConstraint(deferrable=django.db.models.constraints.Deferrable['DEFERRED'], fields=('question', 'position'), name='question_choice_position_is_unique')],
            },
        ),
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('touch', models.PositiveSmallIntegerField(default=1, verbose_name='touch')),
                ('state', models.CharField(choices=[('PENDING', 'waiting'), ('SUPPRESSED', 'not sent'), ('HELD', 'held back'), ('CLAIMED', 'taken by a worker'), ('TRANSMITTING', 'being sent'), ('ACCEPTED', 'accepted'), ('DEFERRED', 'to be tried again'), ('REJECTED', 'rejected'), ('UNCERTAIN', 'uncertain'), ('BOUNCED', 'came back'), ('COMPLAINED', 'reported as spam')], default='PENDING', max_length=15, verbose_name='state')),
                ('reason', models.CharField(blank=True, choices=[('NO_EMAIL', 'no e-mail address'), ('SUPPRESSED_ADDRESS', 'address gets no mail'), ('NO_CONSENT', 'no consent'), ('CLOSED', 'left the programme'), ('HELD_OUT', 'held out, to compare'), ('TOO_MANY', 'got as many mails lately as a customer may'), ('CANCELLED', 'campaign cancelled'), ('ANSWERED', 'answered meanwhile'), ('LATE', 'too late to ask'), ('QUIET_HOURS', 'quiet hours')], max_length=20, verbose_name='reason')),
                ('attempts', models.PositiveSmallIntegerField(default=0, verbose_name='attempts')),
                ('not_before', models.DateTimeField(verbose_name='not before')),
                ('lease_token', models.UUIDField(blank=True, editable=False, null=True)),
                ('lease_expires_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('smtp_reply', models.CharField(blank=True, max_length=500, verbose_name="server's reply")),
                ('settled_at', models.DateTimeField(blank=True, null=True, verbose_name='settled at')),
                ('opened_at', models.DateTimeField(blank=True, null=True, verbose_name='page opened at')),
                ('opened_by_program', models.BooleanField(db_default=False, default=False, verbose_name='opened by a program')),
                ('answered_on', models.DateField(blank=True, null=True, verbose_name='answered on')),
                ('campaign', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='surveys.campaign', verbose_name='campaign')),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='customers.customer', verbose_name='customer')),
                ('purchase', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.purchase', verbose_name='purchase')),
                ('reminds', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reminders', to='surveys.delivery', verbose_name='reminds of')),
                ('occurrence', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='surveys.occurrence', verbose_name='occurrence')),
            ],
            options={
                'verbose_name': 'delivery',
                'verbose_name_plural': 'deliveries',
                'indexes': [models.Index(condition=models.Q(('state__in', ('PENDING', 'HELD', 'DEFERRED'))), fields=['not_before', 'id'], name='delivery_to_send'), models.Index(condition=models.Q(('state__in', ['CLAIMED', 'TRANSMITTING'])), fields=['lease_expires_at'], name='delivery_with_a_lease'), models.Index(fields=['campaign', 'state', 'settled_at'], name='delivery_by_state_and_time')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('occurrence__isnull', False)), fields=('occurrence', 'customer', 'touch'), name='delivery_once_per_touch'), models.UniqueConstraint(condition=models.Q(('purchase__isnull', False)), fields=('campaign', 'purchase', 'touch'), name='delivery_once_per_purchase_and_touch'), models.CheckConstraint(condition=models.Q(models.Q(('occurrence__isnull', False), ('purchase__isnull', True)), models.Q(('occurrence__isnull', True), ('purchase__isnull', False)), _connector='OR'), name='delivery_of_an_occurrence_or_a_purchase'), models.UniqueConstraint(condition=models.Q(('reminds__isnull', False)), fields=('reminds', 'touch'), name='delivery_reminds_once_per_touch'), models.CheckConstraint(condition=models.Q(models.Q(('reminds__isnull', True), ('touch', 1)), models.Q(('reminds__isnull', False), ('touch__in', [2, 3])), _connector='OR'), name='delivery_reminder_says_of_what'), models.CheckConstraint(condition=models.Q(('state__in', ['PENDING', 'SUPPRESSED', 'HELD', 'CLAIMED', 'TRANSMITTING', 'ACCEPTED', 'DEFERRED', 'REJECTED', 'UNCERTAIN', 'BOUNCED', 'COMPLAINED'])), name='delivery_state_is_known'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'SUPPRESSED'), models.Q(('reason__in', ['', 'QUIET_HOURS']), _negated=True)), models.Q(('reason', 'QUIET_HOURS'), ('state', 'HELD')), models.Q(models.Q(('state__in', ['SUPPRESSED', 'HELD']), _negated=True), ('reason', '')), _connector='OR'), name='delivery_suppressed_says_why'), models.CheckConstraint(condition=models.Q(models.Q(('lease_expires_at__isnull', False), ('lease_token__isnull', False), ('state__in', ['CLAIMED', 'TRANSMITTING'])), models.Q(models.Q(('state__in', ['CLAIMED', 'TRANSMITTING']), _negated=True), ('lease_expires_at__isnull', True), ('lease_token__isnull', True)), _connector='OR'), name='delivery_leased_while_in_hand')],
            },
        ),
        migrations.CreateModel(
            name='SkipRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at_least', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='at least')),
                ('at_most', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='at most')),
                ('choice', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='skip_rules', to='surveys.questionchoice', verbose_name='choice')),
                ('goes_to', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='surveys.question', verbose_name='goes to')),
                ('question', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='skip_rules', to='surveys.question', verbose_name='question')),
            ],
            options={
                'verbose_name': 'skip rule',
                'verbose_name_plural': 'skip rules',
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('at_least__isnull', False), ('at_most__isnull', False), ('choice__isnull', True)), models.Q(('at_least__isnull', True), ('at_most__isnull', True), ('choice__isnull', False)), _connector='OR'), name='skip_rule_looks_at_scores_or_at_a_choice'), models.CheckConstraint(condition=models.Q(('at_least__isnull', True), ('at_most__gte', models.F('at_least')), _connector='OR'), name='skip_rule_range_is_not_empty'), models.CheckConstraint(condition=models.Q(('goes_to__isnull', True), models.Q(('goes_to', models.F('question')), _negated=True), _connector='OR'), name='skip_rule_leads_elsewhere')],
            },
        ),
        migrations.CreateModel(
            name='Intent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('score', models.SmallIntegerField(blank=True, null=True, verbose_name='score')),
                ('is_head', models.BooleanField(default=False, verbose_name='without a page (HEAD)')),
                ('is_trap', models.BooleanField(default=False, verbose_name='link that nobody sees')),
                ('at', models.DateTimeField(verbose_name='at')),
                ('delivery', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='intents', to='surveys.delivery', verbose_name='delivery')),
            ],
            options={
                'verbose_name': 'intent',
                'verbose_name_plural': 'intents',
                'constraints': [models.UniqueConstraint(fields=('delivery', 'score', 'is_head', 'is_trap'), name='intent_once_per_kind_of_hit', nulls_distinct=False), models.CheckConstraint(condition=models.Q(('is_trap', False), ('score__isnull', True), _connector='OR'), name='intent_of_the_trap_has_no_score')],
            },
        ),
        migrations.CreateModel(
            name='PartialResponse',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('answers', models.JSONField(verbose_name='answers')),
                ('began_at', models.DateTimeField(verbose_name='began at')),
                ('kept_at', models.DateTimeField(verbose_name='kept at')),
                ('delivery', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='partial', to='surveys.delivery', verbose_name='delivery')),
            ],
            options={
                'verbose_name': 'partial response',
                'verbose_name_plural': 'partial responses',
                'constraints': [models.CheckConstraint(condition=models.Q(('answers', {}), _negated=True), name='partial_response_answers_something'), models.CheckConstraint(condition=models.Q(('kept_at__gte', models.F('began_at'))), name='partial_response_kept_after_it_began')],
            },
        ),
        migrations.CreateModel(
            name='SurveyResponse',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('page_key', models.UUIDField(blank=True, editable=False, null=True)),
                ('language', models.CharField(blank=True, choices=[('en', 'English'), ('zh-hans', 'Simplified Chinese')], max_length=10, verbose_name='language')),
                ('submitted_at', models.DateTimeField(verbose_name='submitted at')),
                ('customer', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='survey_responses', to='customers.customer', verbose_name='customer')),
                ('delivery', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='response', to='surveys.delivery', verbose_name='delivery')),
                ('open_link', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='responses', to='surveys.openlink', verbose_name='open link')),
                ('points_entry', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='rewards.pointsentry', verbose_name='points')),
                ('store', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.store', verbose_name='store')),
                ('survey', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='responses', to='surveys.survey', verbose_name='survey')),
            ],
            options={
                'verbose_name': 'survey response',
                'verbose_name_plural': 'survey responses',
                'indexes': [models.Index(fields=['survey', '-submitted_at'], name='response_newest_first')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('open_link__isnull', True), ('page_key__isnull', True)), models.Q(('delivery__isnull', True), ('open_link__isnull', False), ('page_key__isnull', False)), _connector='OR'), name='response_came_one_way'), models.CheckConstraint(condition=models.Q(('customer__isnull', True), ('delivery__isnull', False), ('open_link__isnull', False), _connector='OR'), name='response_of_a_customer_says_how_it_came'), models.CheckConstraint(condition=models.Q(('delivery__isnull', True), ('customer__isnull', False), _connector='OR'), name='response_by_mail_names_its_customer'), models.CheckConstraint(condition=models.Q(('points_entry__isnull', True), ('customer__isnull', False), _connector='OR'), name='response_rewarded_names_its_customer'), models.UniqueConstraint(fields=('open_link', 'page_key'), name='response_once_per_page'), models.UniqueConstraint(condition=models.Q(('open_link__isnull', False)), fields=('survey', 'customer'), name='response_once_per_customer_by_open_link')],
            },
        ),
        migrations.CreateModel(
            name='Case',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('channel', models.CharField(choices=[('SURVEY', 'survey'), ('HOTLINE', 'hotline'), ('SOCIAL', 'social media'), ('COUNTER', 'counter'), ('EMAIL', 'e-mail')], max_length=10, verbose_name='channel')),
                ('state', models.CharField(choices=[('NEW', 'new'), ('ASSIGNED', 'assigned'), ('CONTACTED', 'contacted'), ('RESOLVED', 'resolved'), ('CLOSED', 'closed')], default='NEW', max_length=10, verbose_name='state')),
                ('severity', models.CharField(choices=[('NORMAL', 'normal'), ('SERIOUS', 'serious')], default='NORMAL', max_length=10, verbose_name='severity')),
                ('subject', models.CharField(blank=True, max_length=200, verbose_name='subject')),
                ('address', models.EmailField(blank=True, max_length=254, verbose_name='e-mail')),
                ('opened_at', models.DateTimeField(verbose_name='opened at')),
                ('opened_by', models.CharField(max_length=40, verbose_name='opened by')),
                ('due_at', models.DateTimeField(verbose_name='due')),
                ('wrote_at', models.DateTimeField(blank=True, null=True, verbose_name='customer wrote at')),
                ('closed_at', models.DateTimeField(blank=True, null=True, verbose_name='closed at')),
                ('outcome', models.CharField(blank=True, choices=[('SOLVED', 'put right'), ('EXPLAINED', 'explained'), ('UNREACHED', 'customer not reached'), ('UNFOUNDED', 'nothing to put right')], max_length=10, verbose_name='outcome')),
                ('version', models.PositiveIntegerField(default=0, editable=False)),
                ('token', models.UUIDField(editable=False, null=True, verbose_name='form')),
                ('customer', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='customers.customer', verbose_name='customer')),
                ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='cases', to=settings.AUTH_USER_MODEL, verbose_name='owner')),
                ('store', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='customers.store', verbose_name='store')),
                ('response', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='case', to='surveys.surveyresponse', verbose_name='response')),
            ],
            options={
                'verbose_name': 'case',
                'verbose_name_plural': 'cases',
                'indexes': [models.Index(condition=models.Q(('state__in', ('NEW', 'ASSIGNED', 'CONTACTED'))), fields=['due_at'], name='case_waiting_by_due'), models.Index(fields=['-opened_at', '-id'], name='case_newest_first')],
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['NEW', 'ASSIGNED', 'CONTACTED', 'RESOLVED', 'CLOSED'])), name='case_state_is_known'), models.CheckConstraint(condition=models.Q(('channel__in', ['SURVEY', 'HOTLINE', 'SOCIAL', 'COUNTER', 'EMAIL'])), name='case_channel_is_known'), models.CheckConstraint(condition=models.Q(('severity__in', ['NORMAL', 'SERIOUS'])), name='case_severity_is_known'), models.CheckConstraint(condition=models.Q(('outcome__in', ['', 'SOLVED', 'EXPLAINED', 'UNREACHED', 'UNFOUNDED'])), name='case_outcome_is_known'), models.CheckConstraint(condition=models.Q(models.Q(('owner__isnull', True), ('state', 'NEW')), models.Q(models.Q(('state', 'NEW'), _negated=True), ('owner__isnull', False)), _connector='OR'), name='case_in_hand_has_an_owner'), models.CheckConstraint(condition=models.Q(models.Q(('closed_at__isnull', False), ('state', 'CLOSED'), models.Q(('outcome', ''), _negated=True)), models.Q(models.Q(('state', 'CLOSED'), _negated=True), ('closed_at__isnull', True), ('outcome', '')), _connector='OR'), name='case_closed_says_when_and_how'), models.CheckConstraint(condition=models.Q(models.Q(('channel', 'SURVEY'), ('response__isnull', False)), models.Q(models.Q(('channel', 'SURVEY'), _negated=True), ('response__isnull', True)), _connector='OR'), name='case_of_a_survey_has_its_response'), models.CheckConstraint(condition=models.Q(('due_at__gte', models.F('opened_at'))), name='case_is_due_after_it_opened'), models.CheckConstraint(condition=models.Q(('opened_by', ''), _negated=True), name='case_opened_by_someone'), models.UniqueConstraint(fields=('token',), name='case_is_opened_once')],
            },
        ),
        migrations.CreateModel(
            name='Answer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.SmallIntegerField(blank=True, null=True, verbose_name='number')),
                ('text', models.TextField(blank=True, verbose_name='text')),
                ('question', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='answers', to='surveys.question', verbose_name='question')),
                ('response', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='answers', to='surveys.surveyresponse', verbose_name='response')),
            ],
            options={
                'verbose_name': 'answer',
                'verbose_name_plural': 'answers',
                'constraints': [models.UniqueConstraint(fields=('response', 'question'), name='answer_once_per_question'), models.CheckConstraint(condition=models.Q(('number__isnull', True), ('text', ''), _connector='OR'), name='answer_is_not_a_number_and_a_text')],
            },
        ),
        migrations.CreateModel(
            name='CaseEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('OPENED', 'opened'), ('NOTE', 'note'), ('STATE', 'change of state'), ('ASSIGNMENT', 'assignment'), ('DUE', 'other due time'), ('MAIL_OUT', 'mail to the customer'), ('MAIL_IN', 'mail from the customer'), ('BOUNCE', 'mail that came back'), ('GESTURE', 'gesture'), ('GESTURE_UNDONE', 'gesture taken back')], max_length=15, verbose_name='kind')),
                ('happened_at', models.DateTimeField(verbose_name='happened at')),
                ('actor', models.CharField(max_length=40, verbose_name='actor')),
                ('text', models.TextField(blank=True, verbose_name='text')),
                ('address', models.CharField(blank=True, max_length=320, verbose_name='e-mail')),
                ('message_id', models.CharField(blank=True, max_length=250, verbose_name='message id')),
                ('attachments', models.JSONField(default=list, verbose_name='attachments')),
                ('data', models.JSONField(default=dict, verbose_name='data')),
                ('case', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='surveys.case', verbose_name='case')),
            ],
            options={
                'verbose_name': 'event of a case',
                'verbose_name_plural': 'events of cases',
                'indexes': [models.Index(fields=['case', 'id'], name='case_event_in_order')],
                'constraints': [models.CheckConstraint(condition=models.Q(('kind__in', ['OPENED', 'NOTE', 'STATE', 'ASSIGNMENT', 'DUE', 'MAIL_OUT', 'MAIL_IN', 'BOUNCE', 'GESTURE', 'GESTURE_UNDONE'])), name='case_event_kind_is_known'), models.CheckConstraint(condition=models.Q(('actor', ''), _negated=True), name='case_event_has_an_actor'), models.UniqueConstraint(condition=models.Q(('message_id', ''), _negated=True), fields=('message_id',), name='case_event_of_a_mail_is_kept_once')],
            },
        ),
        migrations.CreateModel(
            name='CaseGesture',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('points', models.PositiveIntegerField(default=0, verbose_name='points')),
                ('cost_minor', models.PositiveBigIntegerField(default=0, verbose_name='cost (minor units)')),
                ('given_at', models.DateTimeField(verbose_name='given at')),
                ('given_by', models.CharField(max_length=40, verbose_name='given by')),
                ('undone_at', models.DateTimeField(blank=True, null=True, verbose_name='taken back at')),
                ('undone_by', models.CharField(blank=True, max_length=40, verbose_name='taken back by')),
                ('case', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='gestures', to='surveys.case', verbose_name='case')),
                ('coupon', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='rewards.coupon', verbose_name='coupon')),
                ('points_entry', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='rewards.pointsentry', verbose_name='points')),
                ('budget', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='surveys.gesturebudget', verbose_name='budget of gestures')),
            ],
            options={
                'verbose_name': 'gesture in a case',
                'verbose_name_plural': 'gestures in cases',
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('cost_minor', 0), ('coupon__isnull', True), ('points__gte', 1), ('points_entry__isnull', False)), models.Q(('cost_minor__gte', 1), ('coupon__isnull', False), ('points', 0), ('points_entry__isnull', True)), _connector='OR'), name='case_gesture_gives_one_thing'), models.UniqueConstraint(condition=models.Q(('undone_at__isnull', True)), fields=('case',), name='case_gesture_stands_alone'), models.CheckConstraint(condition=models.Q(models.Q(('undone_at__isnull', True), ('undone_by', '')), models.Q(('undone_at__isnull', False), models.Q(('undone_by', ''), _negated=True)), _connector='OR'), name='case_gesture_undone_says_by_whom')],
            },
        ),
        migrations.CreateModel(
            name='AnswerChoice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('answer', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='choices', to='surveys.answer', verbose_name='answer')),
                ('choice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='answers', to='surveys.questionchoice', verbose_name='choice')),
            ],
            options={
                'verbose_name': 'chosen answer',
                'verbose_name_plural': 'chosen answers',
                'constraints': [models.UniqueConstraint(fields=('answer', 'choice'), name='answer_choice_once')],
            },
        ),
        migrations.CreateModel(
            name='CaseMail',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('PENDING', 'waiting'), ('SENDING', 'being sent'), ('SUPPRESSED', 'not sent'), ('ACCEPTED', 'accepted'), ('REJECTED', 'rejected'), ('UNCERTAIN', 'uncertain')], default='PENDING', max_length=10, verbose_name='state')),
                ('reason', models.CharField(blank=True, choices=[('NO_EMAIL', 'no e-mail address'), ('SUPPRESSED_ADDRESS', 'address gets no mail'), ('NO_CONSENT', 'no consent'), ('CLOSED', 'left the programme'), ('NOTHING_LEFT', 'nothing left to lapse'), ('LATE', 'too late for this one'), ('GONE', 'what it tells of was used, withdrawn or has lapsed'), ('HELD_OUT', 'held out, to compare'), ('CANCELLED', 'cancelled')], max_length=20, verbose_name='reason')),
                ('attempts', models.PositiveSmallIntegerField(default=0, verbose_name='attempts')),
                ('not_before', models.DateTimeField(verbose_name='not before')),
                ('claimed_at', models.DateTimeField(blank=True, null=True, verbose_name='claimed at')),
                ('settled_at', models.DateTimeField(blank=True, null=True, verbose_name='settled at')),
                ('smtp_reply', models.CharField(blank=True, max_length=500, verbose_name="server's reply")),
                ('customer', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.customer', verbose_name='customer')),
                ('event', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='mail', to='surveys.caseevent', verbose_name='event of a case')),
            ],
            options={
                'verbose_name': 'mail of a case',
                'verbose_name_plural': 'mails of cases',
                'indexes': [models.Index(condition=models.Q(('state', 'PENDING')), fields=['not_before', 'id'], name='case_mail_to_send'), models.Index(condition=models.Q(('state', 'SENDING')), fields=['claimed_at'], name='case_mail_being_sent')],
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['PENDING', 'SENDING', 'SUPPRESSED', 'ACCEPTED', 'REJECTED', 'UNCERTAIN'])), name='case_mail_state_is_known'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'SUPPRESSED'), models.Q(('reason', ''), _negated=True)), models.Q(models.Q(('state', 'SUPPRESSED'), _negated=True), ('reason', '')), _connector='OR'), name='case_mail_suppressed_says_why'), models.CheckConstraint(condition=models.Q(models.Q(('claimed_at__isnull', False), ('state', 'SENDING')), models.Q(models.Q(('state', 'SENDING'), _negated=True), ('claimed_at', None)), _connector='OR'), name='case_mail_claimed_while_sending')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='caseevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='3e4ff9f903eb7c27657d13506853967c2fe7c752', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_b71fd', table='surveys_caseevent', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='questionchoice',
            trigger=pgtrigger.compiler.Trigger(name='choice_stays_with_its_question', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."question_id" IS DISTINCT FROM (NEW."question_id"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='ff7e9efcbc3bc3765cf51b145d3ef9529264a7c1', operation='UPDATE', pgid='pgtrigger_choice_stays_with_its_question_b1ce7', table='surveys_questionchoice', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='answerchoice',
            trigger=pgtrigger.compiler.Trigger(name='belongs_to_its_question', sql=pgtrigger.compiler.UpsertTriggerSql(func="\nIF EXISTS (\n    SELECT FROM surveys_answer answer JOIN surveys_questionchoice choice ON choice.id = NEW.choice_id\n    WHERE answer.id = NEW.answer_id AND answer.question_id <> choice.question_id\n) THEN\n    RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'answer_choice_belongs_to_its_question',\n        MESSAGE = 'answer_choice_belongs_to_its_question: this question does not offer that choice';\nEND IF;\nRETURN NEW;\n", hash='4e2c87bd2988976f646409fd8a4b64f51fb024a4', operation='INSERT OR UPDATE', pgid='pgtrigger_belongs_to_its_question_7ffc1', table='surveys_answerchoice', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='answerchoice',
            trigger=pgtrigger.compiler.Trigger(name='says_something', sql=pgtrigger.compiler.UpsertTriggerSql(constraint='CONSTRAINT', func="\nIF EXISTS (SELECT FROM surveys_answer WHERE id = OLD.answer_id AND number IS NULL AND text = '')\n    AND NOT EXISTS (SELECT FROM surveys_answerchoice WHERE answer_id = OLD.answer_id)\nTHEN\n    RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'answer_says_something',\n        MESSAGE = 'answer_says_something: an answer is a number, a text or choices';\nEND IF;\nRETURN NULL;\n", hash='07416fe9f41a96852daab3154bd9e2244e8f1fd9', operation='DELETE OR UPDATE', pgid='pgtrigger_says_something_78d22', table='surveys_answerchoice', timing='DEFERRABLE INITIALLY DEFERRED', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='skiprule',
            trigger=pgtrigger.compiler.Trigger(name='stays_in_its_survey', sql=pgtrigger.compiler.UpsertTriggerSql(func="\nIF EXISTS (\n    SELECT FROM surveys_question target JOIN surveys_question own ON own.id = NEW.question_id\n    WHERE target.id = NEW.goes_to_id AND target.survey_id <> own.survey_id\n) OR EXISTS (\n    SELECT FROM surveys_questionchoice WHERE id = NEW.choice_id AND question_id <> NEW.question_id\n) THEN\n    RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'skip_rule_stays_in_its_survey',\n        MESSAGE = 'skip_rule_stays_in_its_survey: it looks at its own question''s choices and leads within its survey';\nEND IF;\nRETURN NEW;\n", hash='d0ba89c5ea28b0d584609f3cdf53ad23e49429af', operation='INSERT OR UPDATE', pgid='pgtrigger_stays_in_its_survey_18c1d', table='surveys_skiprule', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='question',
            trigger=pgtrigger.compiler.Trigger(name='question_stays_in_its_survey', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."survey_id" IS DISTINCT FROM (NEW."survey_id"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='30ecc0a281ca7101bff0d107dc71862802d57bbb', operation='UPDATE', pgid='pgtrigger_question_stays_in_its_survey_26e24', table='surveys_question', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='answer',
            trigger=pgtrigger.compiler.Trigger(name='answer_stays_with_its_question', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."question_id" IS DISTINCT FROM (NEW."question_id"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='a1af943eb1cdc8ba48b061ed2058b7fc7da67fee', operation='UPDATE', pgid='pgtrigger_answer_stays_with_its_question_bb989', table='surveys_answer', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='answer',
            trigger=pgtrigger.compiler.Trigger(name='says_something', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (NEW."number" IS NULL AND NEW."text" = \'\')', constraint='CONSTRAINT', func="\nIF EXISTS (SELECT FROM surveys_answer WHERE id = NEW.id AND number IS NULL AND text = '')\n    AND NOT EXISTS (SELECT FROM surveys_answerchoice WHERE answer_id = NEW.id)\nTHEN\n    RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'answer_says_something',\n        MESSAGE = 'answer_says_something: an answer is a number, a text or choices';\nEND IF;\nRETURN NULL;\n", hash='3fedbf17e423eb42bb46ce7ea99378af5bdeb820', operation='INSERT OR UPDATE', pgid='pgtrigger_says_something_93d12', table='surveys_answer', timing='DEFERRABLE INITIALLY DEFERRED', when='AFTER')),
        ),
    ]
