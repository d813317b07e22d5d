//! Gives the shared library its soname: the one that changes when programs have to be compiled again.

include!("src/abi.rs");

fn main() {
    println!("cargo::rerun-if-changed=src/abi.rs");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libevlog.so.{EVLOG_ABI}");
}
