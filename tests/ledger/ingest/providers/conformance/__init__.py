"""What every provider has to do, whoever it is: the same jobs over each of them."""
