//! Certificates: what a source gave, whether Kafka and this cluster can live with it, and how it is installed.
//!
//! Nothing here knows the configuration: init and the sidecar compose. [`check`] is pure; it finds everything that is
//! wrong at once, so that the valid old certificate stays until the new one is good in every way.

mod authority;
mod bundle;
mod chain;
mod check;
pub mod development;
mod directory;
mod fault;
mod install;
mod key;
mod leaf;
mod names;
mod pbes1;
mod pbes2;
mod pem;
mod phase;
pub mod vault;

pub use self::{
    authority::{beside, is_of, prints, trusts},
    bundle::{Bundle, Secret},
    check::{Checked, Rules, check, encrypts},
    directory::Files,
    fault::{Fault, SourceFault},
    install::{Installed, KEYSTORE, TRUSTSTORE, install, installed, place},
    leaf::{KeyKind, Leaf},
    pbes1::PASSWORD,
    phase::{Phase, phase},
};
