"""What is legal but hardly meant, and what to write instead."""
