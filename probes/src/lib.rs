//! The judge of pillion: pure functions from observations to verdicts.
//!
//! Nothing here reads a clock, a file, a socket or the environment: observations carry their instants and the present
//! one is passed in. So every verdict can be reproduced from what was seen.

pub mod canary;
pub mod certificates;
pub mod contact;
pub mod forced;
pub mod forecast;
pub mod hosting;
pub mod judge;
pub mod lag;
pub mod ledger;
pub mod limits;
pub mod moves;
pub mod neighbours;
pub mod observe;
pub mod reason;
pub mod refill;
pub mod replicas;
pub mod resources;
pub mod server;
pub mod set;
pub mod stops;
pub mod time;
pub mod turn;
pub mod verdict;
pub mod voter;
pub mod zookeeper;
