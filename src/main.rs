//! Parses the arguments and runs one command.

fn main() {}
