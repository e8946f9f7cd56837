"""The till API: who may call, how a call is told twice, and what concerns customers alone."""
