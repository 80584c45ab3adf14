//! The network interfaces of the agent's own namespace, which containers of a pod share.

use pillion_probes::resources::{Interface, Traffic};
use procfs::net::{DeviceStatus, dev_status};

/// Interfaces that are told, by their names' order: a pod has one or two, a machine full of containers hundreds.
const MOST: usize = 8;

/// All interfaces but the loopback one.
pub fn interfaces() -> Option<Vec<Interface>> {
    Some(told(dev_status().ok()?.into_values()))
}

fn told(devices: impl Iterator<Item = DeviceStatus>) -> Vec<Interface> {
    let mut all: Vec<Interface> = devices.filter(|device| device.name != "lo").map(one).collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all.truncate(MOST);
    all
}

fn one(device: DeviceStatus) -> Interface {
    Interface {
        received: Traffic { bytes: device.recv_bytes, errors: device.recv_errs, dropped: device.recv_drop },
        sent: Traffic { bytes: device.sent_bytes, errors: device.sent_errs, dropped: device.sent_drop },
        name: device.name,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]
    use std::fmt::Write;

    use procfs::{FromRead, net::InterfaceDeviceStatus};

    use super::*;

    #[test]
    fn the_loopback_is_left_out_and_there_is_an_end_of_them() {
        let mut text = "Inter-|   Receive                                                |  Transmit\n \
                        face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs \
                        drop fifo colls carrier compressed\n    lo: 1293 12 0 0 0 0 0 0 1293 12 0 0 0 0 0 0\n  \
                        eth0: 8103 71 1 2 0 0 0 0 9204 82 3 4 0 0 0 0\n"
            .to_owned();
        for number in 0..40 {
            writeln!(text, "veth{number:02}: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0").unwrap();
        }
        let all = told(InterfaceDeviceStatus::from_read(text.as_bytes()).unwrap().0.into_values());
        let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
        assert_eq!((names.len(), names[0], names[7]), (MOST, "eth0", "veth06"));
        assert_eq!(all[0].received, Traffic { bytes: 8103, errors: 1, dropped: 2 });
        assert_eq!(all[0].sent, Traffic { bytes: 9204, errors: 3, dropped: 4 });
    }
}
