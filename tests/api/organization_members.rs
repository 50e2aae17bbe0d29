//! See the tests of this area.
