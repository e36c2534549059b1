//! Sessions of the admin pages. The cookie's key is stored as a hash, the values sealed.
