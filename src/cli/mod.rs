//! How the shell gets in.
