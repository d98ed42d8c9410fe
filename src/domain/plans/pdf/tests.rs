//! Documents of all kinds.
