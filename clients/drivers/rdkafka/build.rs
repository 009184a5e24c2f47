//! Tells the driver which version of the crate rdkafka it is built with: the
//! crate itself does not say, and librdkafka's version is another.

use std::{env, fs, path::Path};

fn main() {
    let lock = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap()).join("Cargo.lock");
    println!("cargo:rerun-if-changed={}", lock.display());
    let text = fs::read_to_string(&lock).expect("read Cargo.lock");
    let after = text
        .split("name = \"rdkafka\"\nversion = \"")
        .nth(1)
        .expect("rdkafka in Cargo.lock");
    println!(
        "cargo:rustc-env=RDKAFKA_VERSION={}",
        after.split('"').next().unwrap()
    );
}
