"""An outside client of cambist: it knows the documented wire formats and nothing of the program's insides."""
