"""What visitors chose: categories, the three separate things (choice, receipt, token), records, banner versions."""
