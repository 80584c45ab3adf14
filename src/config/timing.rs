//! Deadlines, ages and intervals, and the arithmetic that makes them fit each other.

use std::time::Duration;

use pillion_probes::limits::peers_limit;

use super::{
    duration::show,
    file::{self, Mode},
};

/// Deadlines, ages and intervals of the sidecar; the two that Kafka shares are rendered for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// How long the controllers, or `ZooKeeper`, keep a silent broker: `broker.session.timeout.ms`,
    /// `zookeeper.session.timeout.ms`.
    pub session_timeout: Duration,
    /// How often a broker tells the controllers that it lives: `broker.heartbeat.interval.ms`.
    pub heartbeat_interval: Duration,
    /// The kubelet's readiness period.
    pub probe_period: Duration,
    /// The kubelet's readiness timeout.
    pub probe_timeout: Duration,
    /// What clocks and schedulers may take.
    pub margin: Duration,
    /// Between two questions to the quorum.
    pub quorum_interval: Duration,
    /// Between two looks at how far the broker has applied metadata.
    pub applied_interval: Duration,
    /// Between two scans of own replicas.
    pub scan_interval: Duration,
    /// How old a scan of own replicas may be.
    pub scan_max_age: Duration,
    /// Between two looks at the log directories.
    pub log_dir_interval: Duration,
    /// How old a look at the log directories may be.
    pub log_dir_max_age: Duration,
    /// How long nothing may move before a broker counts as hung.
    pub hung_after: Duration,
    /// The deadline of one request.
    pub request_timeout: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            session_timeout: Duration::from_secs(9),
            heartbeat_interval: Duration::from_secs(2),
            probe_period: Duration::from_secs(1),
            probe_timeout: Duration::from_secs(1),
            margin: Duration::from_millis(500),
            quorum_interval: Duration::from_millis(500),
            applied_interval: Duration::from_millis(300),
            scan_interval: Duration::from_millis(500),
            scan_max_age: Duration::from_secs(15),
            log_dir_interval: Duration::from_secs(5),
            log_dir_max_age: Duration::from_secs(20),
            hung_after: Duration::from_secs(60),
            request_timeout: Duration::from_secs(3),
        }
    }
}

impl Timing {
    /// How old contact with the quorum may be while the broker is called ready. The last heartbeat may be
    /// one interval older than the contact, and the kubelet may act one period and one timeout later; all of
    /// it, and the margin, must lie within the session.
    pub fn contact_age_limit(&self) -> Duration {
        let spent = self.heartbeat_interval + self.probe_period + self.probe_timeout + self.margin;
        self.session_timeout.saturating_sub(spent)
    }

    /// The deadline of an answer about many partitions: that of a broker without pages takes longer than a small one.
    /// It counts as of when it was asked for, so it may take its time.
    pub fn page_timeout(&self) -> Duration {
        self.request_timeout.max(self.scan_max_age / 2)
    }

    /// The deadline of an answer about the log directories. A disk that hangs may hold it back for long; what was told
    /// before then ages, and the verdict says so.
    pub fn log_dir_timeout(&self) -> Duration {
        self.request_timeout.max(self.log_dir_max_age)
    }

    /// The defaults of a mode; Kafka's own for the session.
    fn of_mode(mode: Option<Mode>) -> Self {
        let all = Self::default();
        match mode {
            Some(Mode::ZooKeeper) => Self { session_timeout: Duration::from_secs(18), ..all },
            _ => all,
        }
    }

    /// How old the broker's own list may be in `ZooKeeper` mode: it is asked for each second.
    pub fn own_age_limit(&self) -> Duration {
        self.request_timeout + Duration::from_secs(1) + self.margin
    }

    pub(super) fn from_file(file: &file::Timing, mode: Option<Mode>) -> Self {
        let d = Self::of_mode(mode);
        let or = |written: Option<super::duration::Written>, default| written.map_or(default, |w| w.0);
        Self {
            session_timeout: or(file.session_timeout, d.session_timeout),
            heartbeat_interval: or(file.heartbeat_interval, d.heartbeat_interval),
            probe_period: or(file.probe_period, d.probe_period),
            probe_timeout: or(file.probe_timeout, d.probe_timeout),
            margin: or(file.margin, d.margin),
            quorum_interval: or(file.quorum_interval, d.quorum_interval),
            applied_interval: or(file.applied_interval, d.applied_interval),
            scan_interval: or(file.scan_interval, d.scan_interval),
            scan_max_age: or(file.scan_max_age, d.scan_max_age),
            log_dir_interval: or(file.log_dir_interval, d.log_dir_interval),
            log_dir_max_age: or(file.log_dir_max_age, d.log_dir_max_age),
            hung_after: or(file.hung_after, d.hung_after),
            request_timeout: or(file.request_timeout, d.request_timeout),
        }
    }

    /// `ZooKeeper` mode: whoever loses everything at once may lose its session after two thirds of it (see
    /// [`peers_limit`]). By then what was said before must have grown too old, and been acted on.
    fn outlives_the_session(&self) -> Option<(&'static str, String, String)> {
        let (session, period, timeout) = (self.session_timeout, self.probe_period, self.probe_timeout);
        let evidence = peers_limit(session, self.request_timeout);
        let (spent, left) = (evidence + period + timeout + self.margin, session * 2 / 3);
        if spent <= left {
            return None;
        }
        let [age, period, timeout, margin, spent, session, left] =
            [evidence, period, timeout, self.margin, spent, session, left].map(show);
        let what = format!(
            "what the others said may be {age} old (the larger of half of sessionTimeout {session} and requestTimeout + \
             2.5s), + probePeriod {period} + probeTimeout {timeout} + margin {margin} = {spent}, which is more than \
             two thirds of sessionTimeout = {left}"
        );
        let remedy =
            "lengthen sessionTimeout (15s does with the others as they are by default) or shorten the others";
        Some(("sessionTimeout", what, remedy.to_owned()))
    }

    /// What does not fit: the setting, the arithmetic, the remedy.
    pub(super) fn misfits(&self, mode: Option<Mode>) -> Vec<(&'static str, String, String)> {
        let mut found = Vec::new();
        let limit = self.contact_age_limit();
        if mode != Some(Mode::ZooKeeper) && limit <= self.quorum_interval * 2 {
            let [session, heartbeat, period, timeout, margin, quorum] = [
                self.session_timeout,
                self.heartbeat_interval,
                self.probe_period,
                self.probe_timeout,
                self.margin,
                self.quorum_interval,
            ]
            .map(show);
            let twice = show(self.quorum_interval * 2);
            let what = format!(
                "contact with the quorum may be sessionTimeout {session} - heartbeatInterval {heartbeat} \
                 - probePeriod {period} - probeTimeout {timeout} - margin {margin} = {} old, which is not more \
                 than 2 x quorumInterval {quorum} = {twice}",
                signed(self),
            );
            found.push(("sessionTimeout", what, "lengthen sessionTimeout or shorten the others".to_owned()));
        }
        if mode == Some(Mode::ZooKeeper) {
            found.extend(self.outlives_the_session());
        }
        for (age_key, age, interval_key, interval) in [
            ("scanMaxAge", self.scan_max_age, "scanInterval", self.scan_interval),
            ("logDirMaxAge", self.log_dir_max_age, "logDirInterval", self.log_dir_interval),
        ] {
            let needed = interval * 2 + self.request_timeout;
            if age <= needed {
                let what = format!(
                    "{age_key} {} is not more than 2 x {interval_key} {} + requestTimeout {} = {}",
                    show(age),
                    show(interval),
                    show(self.request_timeout),
                    show(needed)
                );
                found.push((age_key, what, format!("lengthen {age_key} or shorten {interval_key}")));
            }
        }
        if self.applied_interval > Duration::from_secs(1) {
            let what = format!(
                "{} is more than 1s: a freeze between two looks would go unseen",
                show(self.applied_interval)
            );
            found.push(("appliedInterval", what, "set it to 1s or less".to_owned()));
        }
        let least = Duration::from_secs(60).max(self.request_timeout * 2);
        if self.hung_after < least {
            let what = format!(
                "{} is less than the larger of 1m and 2 x requestTimeout {}: a slow broker would be killed",
                show(self.hung_after),
                show(self.request_timeout)
            );
            found.push(("hungAfter", what, format!("set it to {} or more", show(least))));
        }
        found
    }
}

/// The age limit, also when it is less than nothing.
fn signed(timing: &Timing) -> String {
    let spent = timing.heartbeat_interval + timing.probe_period + timing.probe_timeout + timing.margin;
    match timing.session_timeout.checked_sub(spent) {
        Some(limit) => show(limit),
        None => format!("-{}", show(spent.saturating_sub(timing.session_timeout))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_fit() {
        for mode in [Mode::KraftBroker, Mode::ZooKeeper] {
            assert_eq!(Timing::of_mode(Some(mode)).misfits(Some(mode)), []);
        }
        assert_eq!(Timing::default().contact_age_limit(), Duration::from_millis(4500));
    }

    #[test]
    fn each_sum_that_does_not_fit_is_refused() {
        let ms = Duration::from_millis;
        let base = Timing::default();
        for (key, timing) in [
            ("sessionTimeout", Timing { session_timeout: ms(5500), ..base }),
            ("sessionTimeout", Timing { session_timeout: ms(1000), ..base }),
            ("scanMaxAge", Timing { scan_max_age: ms(4000), ..base }),
            ("logDirMaxAge", Timing { log_dir_interval: ms(9000), ..base }),
            ("appliedInterval", Timing { applied_interval: ms(1001), ..base }),
            ("hungAfter", Timing { hung_after: ms(59_999), ..base }),
        ] {
            let keys: Vec<_> = timing.misfits(None).into_iter().map(|m| m.0).collect();
            assert_eq!(keys, [key], "{timing:?}");
        }
        let base = Timing::of_mode(Some(Mode::ZooKeeper));
        for timing in [
            Timing { session_timeout: ms(14_999), ..base },
            Timing {
                request_timeout: ms(10_000),
                log_dir_max_age: ms(60_000),
                scan_max_age: ms(60_000),
                ..base
            },
            Timing { probe_period: ms(5000), ..base },
        ] {
            let keys: Vec<_> = timing.misfits(Some(Mode::ZooKeeper)).into_iter().map(|m| m.0).collect();
            assert_eq!(keys, ["sessionTimeout"], "{timing:?}");
        }
        let least = Timing { session_timeout: ms(15_000), ..base };
        assert_eq!(least.misfits(Some(Mode::ZooKeeper)), []);
        let base = Timing::default();
        let tight = Timing { session_timeout: ms(1000), ..base }.misfits(None);
        assert!(tight[0].1.contains("= -3500ms old"), "{}", tight[0].1);
    }
}
