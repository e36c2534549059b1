// Every operation as the reference shows it in Rust. Made from the description of the API by a test
// (`UPDATE_DOCS=1 cargo test --test it docs`), and compiled with the tests.
