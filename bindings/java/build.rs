//! Keeps the library mapped until the process ends.
//!
//! The runtime's thread runs code of this library. A class loader that is collected would unmap it
//! under that thread, so on Linux the loader is told never to.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
