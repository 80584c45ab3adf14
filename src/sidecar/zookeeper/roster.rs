//! Where the other brokers are.

use std::collections::BTreeMap;

use crate::kafka::{Address, requests::ListedBrokers};

/// Most brokers that are remembered while this one lists nobody else.
const REMEMBERED: usize = 8;

/// The others, as this broker last listed them.
///
/// While it lists nobody, those it listed before are asked on: one that lost its session while it was alone does not
/// learn that another came back and is the cluster now.
#[derive(Debug, Default)]
pub struct Roster {
    others: BTreeMap<i32, Address>,
}

impl Roster {
    /// Takes what the broker `own` says. Returns whether it is alone by its own word.
    ///
    /// One that advertises the same address as this broker (a loopback one in each pod) cannot be asked: this broker
    /// itself would answer.
    pub fn learn(&mut self, own: i32, listed: &ListedBrokers) -> bool {
        let here = listed.brokers.iter().find(|broker| broker.id == own).map(|broker| &broker.address);
        let mut others = listed.brokers.iter().filter(|broker| broker.id != own).peekable();
        if others.peek().is_none() {
            while self.others.len() > REMEMBERED {
                self.others.pop_last();
            }
            return here.is_some() && listed.controller_id == own;
        }
        let apart = others.filter(|broker| Some(&broker.address) != here);
        self.others = apart.map(|broker| (broker.id, broker.address.clone())).collect();
        false
    }

    /// Their ids.
    pub fn ids(&self) -> Vec<i32> {
        self.others.keys().copied().collect()
    }

    /// Where one of them is.
    pub fn address(&self, id: i32) -> Option<&Address> {
        self.others.get(&id)
    }

    /// Whether this one is there.
    pub fn has(&self, id: i32, address: &Address) -> bool {
        self.address(id) == Some(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::requests::ListedBroker;

    fn list(brokers: &[(i32, &str)], controller_id: i32) -> ListedBrokers {
        let one = |&(id, host): &(i32, &str)| ListedBroker {
            rack: None,
            id,
            address: Address { host: host.into(), port: 9092 },
        };
        ListedBrokers { cluster_id: None, controller_id, brokers: brokers.iter().map(one).collect() }
    }

    #[test]
    fn those_listed_before_are_remembered_by_one_that_is_alone() {
        let mut roster = Roster::default();
        assert!(!roster.learn(1, &list(&[(1, "a"), (2, "b"), (3, "c")], 2)));
        assert_eq!(roster.ids(), [2, 3]);
        assert!(roster.learn(1, &list(&[(1, "a")], 1)));
        assert_eq!(roster.ids(), [2, 3]);
        assert!(!roster.learn(1, &list(&[(1, "a"), (3, "d")], 1)));
        assert_eq!((roster.ids(), roster.address(3).map(|at| at.host.as_str())), (vec![3], Some("d")));
    }

    #[test]
    fn alone_is_who_lists_itself_and_is_the_controller() {
        let mut roster = Roster::default();
        assert!(!roster.learn(1, &list(&[], -1)), "just started");
        assert!(!roster.learn(1, &list(&[(1, "a")], 2)), "the controller has just died");
        assert!(roster.learn(1, &list(&[(1, "a")], 1)));
    }

    #[test]
    fn an_address_that_leads_back_here_is_nobody() {
        let mut roster = Roster::default();
        assert!(!roster.learn(1, &list(&[(1, "127.0.0.1"), (2, "127.0.0.1")], 2)));
        assert!(roster.ids().is_empty());
    }
}
