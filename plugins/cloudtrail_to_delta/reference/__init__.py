"""Reference pages of docs/, made from the code: `make params` and `make permissions` write them."""
