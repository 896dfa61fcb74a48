"""What a person or a program sees of a mesh. Views draw what they are given, and decide nothing."""
