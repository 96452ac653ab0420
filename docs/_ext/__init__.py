"""What this site adds to Sphinx: one small module for each directive or check."""
