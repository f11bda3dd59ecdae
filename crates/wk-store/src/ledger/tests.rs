//! What a commit promises, on a real file.
