"""One screen a file: home, bring-up, lab, and the small ones over them."""
