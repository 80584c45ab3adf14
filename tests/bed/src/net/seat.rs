//! A seat: the number that a run's names and its subnet are made of, held by a file lock.
//!
//! The kernel drops the lock when its holder dies, however it dies. So whoever holds a seat may sweep
//! away all that carries its number, and no pid needs to be trusted.

use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::ip::ip;

/// Below /run, as the names of `ip netns` are: both are shared by exactly the same processes.
const SEATS: &str = "/run/pillion-bed";
const COUNT: u16 = 2048;

/// A held seat.
#[derive(Debug)]
pub(super) struct Seat {
    number: u16,
    _lock: File,
}

impl Seat {
    /// The first seat that nobody holds and whose subnet the host does not use otherwise.
    pub(super) fn take() -> Result<Self> {
        if !rustix::process::geteuid().is_root() {
            bail!(
                "network namespaces need root: run the command through tests/bed/as-root.sh (`unshare -Urnm`)"
            );
        }
        fs::create_dir_all(SEATS).with_context(|| {
            format!(
                "failed to create {SEATS}: in a user namespace mount a tmpfs on /run (tests/bed/as-root.sh)"
            )
        })?;
        sweep_abandoned()?;
        let routes = ip("-4 route show table all")?;
        for number in 0..COUNT {
            if let Some(seat) = Self::try_number(number)?
                && !routes.contains(&seat.prefix())
            {
                return Ok(seat);
            }
        }
        bail!("all {COUNT} subnets of the bed are in use")
    }

    fn try_number(number: u16) -> Result<Option<Self>> {
        let lock = File::create(Path::new(SEATS).join(number.to_string()))?;
        if lock.try_lock().is_err() {
            return Ok(None);
        }
        Ok(Some(Self { number, _lock: lock }))
    }

    fn prefix(&self) -> String {
        let [a, b, c, _] = self.address(0).octets();
        format!("{a}.{b}.{c}.")
    }

    /// The address of a host in this seat's /24.
    pub(super) fn address(&self, host: u8) -> Ipv4Addr {
        let [high, low] = self.number.to_be_bytes();
        Ipv4Addr::new(10, 180 + high, low, host)
    }

    /// The bridge's name.
    pub(super) fn bridge(&self) -> String {
        format!("bed{}", self.number)
    }

    /// The host's end of a node's link.
    pub(super) fn link(&self, index: u8) -> String {
        format!("bed{}v{index}", self.number)
    }

    /// The name of a node's namespace.
    pub(super) fn netns(&self, node: i32) -> String {
        format!("bed{}-{node}", self.number)
    }

    /// Removes every namespace and link that carries this seat's number.
    pub(super) fn sweep(&self) -> Result<()> {
        for (name, _) in namespaces()?.iter().filter(|(_, seat)| *seat == self.number) {
            ip(&format!("netns del {name}"))?;
        }
        for (name, _) in links()?.iter().filter(|(_, seat)| *seat == self.number) {
            // A link's end goes with its namespace, a moment later: already gone is fine.
            let _ = ip(&format!("link del {name}"));
        }
        Ok(())
    }
}

/// Sweeps the seats of runs that were killed before they could clean up.
fn sweep_abandoned() -> Result<()> {
    let mut seen: Vec<u16> = namespaces()?.into_iter().chain(links()?).map(|(_, seat)| seat).collect();
    seen.sort_unstable();
    seen.dedup();
    for number in seen {
        if let Some(seat) = Seat::try_number(number)? {
            seat.sweep()?;
        }
    }
    Ok(())
}

fn namespaces() -> Result<Vec<(String, u16)>> {
    Ok(ip("netns list")?.lines().filter_map(ours).collect())
}

fn links() -> Result<Vec<(String, u16)>> {
    let listing = ip("-br link show")?;
    Ok(listing.lines().filter_map(|line| ours(line.split('@').next()?)).collect())
}

/// The name at the head of a line and the seat it belongs to, if it is one of the bed's.
fn ours(line: &str) -> Option<(String, u16)> {
    let name = line.split_whitespace().next()?;
    let digits: String = name.strip_prefix("bed")?.chars().take_while(char::is_ascii_digit).collect();
    Some((name.to_owned(), digits.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::ours;

    #[test]
    fn only_names_of_the_bed_are_ours() {
        assert_eq!(ours("bed12-1001 (id: 3)"), Some(("bed12-1001".to_owned(), 12)));
        assert_eq!(ours("bed3v0"), Some(("bed3v0".to_owned(), 3)));
        assert_eq!(ours("bedroom"), None);
        assert_eq!(ours("eth0 UP"), None);
        assert_eq!(ours(""), None);
    }
}
