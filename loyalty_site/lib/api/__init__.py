"""What every call of the till API shares: problems, and the types of what machines send. Knows no app and no Ninja."""
