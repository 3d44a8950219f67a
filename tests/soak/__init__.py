"""A show that is disturbed at random for as long as one likes, and measured every minute."""
