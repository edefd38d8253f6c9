"""Commands: `firmly serve`, `demo`, `settings`, `doctor`, `users`, `sites`, `orgs`. Prints; decides nothing."""
