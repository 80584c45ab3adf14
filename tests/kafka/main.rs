//! pillion beside real brokers: every fault of the main job, each with its own assertion.
//!
//! The truth comes from elsewhere than the broker judged: from what the other brokers say of it. Each test prints the
//! seconds in which pillion, and a TCP probe beside it, said the wrong thing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "tests"
)]

mod agent;
mod assigned;
mod beside;
mod brokers;
mod canary;
mod certificates;
mod controllers;
mod elsewhere;
mod lag;
mod ledger;
mod refill;
mod replace;
mod replicas;
mod resources;
mod rights;
mod scene;
mod secured;
mod stops;
mod turns;
mod versions;
mod voters;
mod zookeeper;

use libtest_mimic::{Arguments, Trial};
use scene::{Scene, Stage};

/// A test: its name, the cluster it plays on, and what happens.
type Test = (&'static str, Stage, fn(&Scene) -> anyhow::Result<()>);

/// The newest release, with roles apart and in one, and 4.1.
const FIRST: &[Test] = &[
    ("an_empty_cluster_is_ready_and_says_on_what_evidence", Stage::Main, replicas::empty_cluster),
    ("another_broker_dead_changes_nothing", Stage::Main, brokers::another_dead),
    ("catch_up_after_a_kill_with_one_gigabyte_missed", Stage::Main, brokers::catch_up),
    ("kill_and_log_recovery", Stage::Main, brokers::recovery),
    ("stopped_by_a_signal_and_resumed", Stage::Main, brokers::paused),
    ("terminated", Stage::Main, brokers::terminated),
    ("cut_off_from_the_controllers_while_serving", Stage::Main, controllers::cut_off),
    ("all_controllers_stopped", Stage::Main, controllers::all_stopped),
    ("controller_failover_ten_times", Stage::Main, controllers::failover),
    ("a_deposed_quorum_leader_is_not_believed", Stage::Main, controllers::deposed),
    ("the_metadata_log_is_followed", Stage::Main, ledger::followed),
    ("the_metadata_log_agrees_with_what_brokers_answer", Stage::Main, ledger::agrees),
    ("the_metadata_log_tells_of_a_shrunk_isr", Stage::Main, ledger::out_of_isr),
    ("the_metadata_log_tells_of_others_sooner", Stage::Main, ledger::sooner),
    ("the_metadata_log_is_read_as_kafka_reads_it", Stage::Main, ledger::replay::is_as_kafka_has_it),
    ("the_metadata_log_is_not_there", Stage::Main, ledger::lost),
    ("the_metadata_log_is_one_of_old", Stage::Main, ledger::of_old),
    ("out_of_the_isr_and_back", Stage::Main, replicas::out_of_isr),
    ("topics_created_and_deleted_under_the_scan", Stage::Main, replicas::topics_come_and_go),
    ("a_refill_tells_how_far_it_has_come", Stage::Main, refill::progress),
    ("a_stop_says_what_it_would_hurt", Stage::Main, stops::stoppable),
    ("a_stop_of_several_is_asked_of_the_cluster", Stage::Main, stops::several),
    ("a_stop_of_several_after_a_kill_waits_for_the_controllers", Stage::Main, stops::several_after_a_kill),
    ("three_that_are_told_to_stop_at_once_take_turns", Stage::Main, turns::turns),
    ("a_stop_after_a_kill_waits", Stage::Main, turns::after_a_kill),
    ("agent_killed_and_restarted", Stage::Main, agent::killed),
    ("agent_ends_within_two_seconds", Stage::Main, agent::terminated),
    ("agent_paused_and_asked_at_once", Stage::Main, agent::paused),
    ("forced_held_and_cleared_by_command", Stage::Main, agent::forced),
    ("a_lost_volume_is_replaced_only_when_nothing_is_lost", Stage::Main, replace::lost_volume),
    ("cold_start_of_everything", Stage::Main, brokers::cold_start),
    ("one_copy_without_a_leader_on_a_combined_node", Stage::Combined, replicas::single_copy_lost),
    ("a_hidden_topic_is_named", Stage::Dirs, rights::hidden_topic),
    ("a_replacement_is_refused_while_a_topic_is_hidden", Stage::Dirs, rights::replaced),
    ("requests_that_are_refused_are_named", Stage::Dirs, rights::denied),
    ("replicas_added_after_it_was_in_sync_do_not_count", Stage::Dirs, assigned::added_after_the_latch),
    ("replicas_added_before_it_was_in_sync_count", Stage::Dirs, assigned::added_before_the_latch),
    ("a_replica_moves_between_log_dirs", Stage::Dirs, assigned::moved_between_dirs),
    ("a_replica_that_is_not_hosted_is_named", Stage::Dirs, assigned::not_hosted),
    ("resources_are_what_other_tools_say", Stage::Dirs, resources::figures),
    ("a_log_dir_that_hangs_or_is_full_holds_up_nothing", Stage::Dirs, resources::troubles),
    ("canary_that_may_not_write_is_told_apart", Stage::Dirs, elsewhere::canary_denied),
    ("a_log_dir_is_lost", Stage::Dirs, assigned::dir_lost),
    ("a_voter_killed_and_back", Stage::Voters, voters::killed),
    ("a_stop_of_a_voter_leaves_a_majority_or_not", Stage::Voters, stops::voters),
    ("a_voter_stopped_by_a_signal", Stage::Voters, voters::paused),
    ("a_voter_cut_off_from_the_others", Stage::Voters, voters::follower_cut_off),
    ("a_leading_voter_cut_off_from_the_others", Stage::Voters, voters::leader_cut_off),
    ("a_voter_whose_others_are_dead", Stage::Voters, voters::others_dead),
    ("voters_fail_over_under_a_producer", Stage::Voters, voters::failover),
    ("canary_of_one_broker_is_none", Stage::Voters, elsewhere::canary_alone),
    ("a_combined_voter_cut_off_from_the_others", Stage::CombinedVoters, voters::combined_cut_off),
    ("a_joiner_is_a_voter_when_it_is_added", Stage::Dynamic, voters::joiner),
    ("a_joiner_is_a_voter_when_it_is_added_on_3_9", Stage::Dynamic39, voters::joiner),
    ("an_empty_broker_is_unregistered", Stage::V41, stops::unregistered),
    ("smoke_on_4_1", Stage::V41, versions::smoke),
    ("the_metadata_log_of_4_1_is_read_as_kafka_reads_it", Stage::V41, ledger::replay::is_as_kafka_has_it),
    ("canary_on_4_1", Stage::V41, elsewhere::canary),
];

/// Older releases, `ZooKeeper`, secured ones, and what is beside the verdict.
const SECOND: &[Test] = &[
    ("smoke_on_3_9", Stage::V39, versions::smoke),
    ("the_metadata_log_of_3_9_is_read_as_kafka_reads_it", Stage::V39, ledger::replay::is_as_kafka_has_it),
    ("canary_on_3_9", Stage::V39, elsewhere::canary),
    ("secured_ready_and_fallen_out", Stage::Secured, secured::fallen_out),
    ("secured_authenticates_anew_in_time", Stage::Secured, secured::sessions),
    ("secured_password_rotated", Stage::Secured, secured::password_rotated),
    ("secured_own_certificate_renewed", Stage::Secured, secured::renewed),
    ("secured_who_is_not_who_he_should_be", Stage::Secured, secured::refused),
    ("secured_reload_is_proven_by_a_handshake", Stage::Secured, secured::reloaded),
    ("secured_settings_are_compared", Stage::Secured, secured::compared),
    ("secured_canary_and_lag", Stage::Secured, elsewhere::secured),
    ("secured_ready_and_fallen_out_on_3_9", Stage::Secured39, secured::fallen_out),
    ("secured_authenticates_anew_in_time_on_3_9", Stage::Secured39, secured::sessions),
    ("secured_reload_is_proven_by_a_handshake_on_3_9", Stage::Secured39, secured::reloaded),
    ("secured_canary_and_lag_on_3_9", Stage::Secured39, elsewhere::secured),
    ("canary_tells_what_clients_see", Stage::Canary, canary::tells_what_clients_see),
    ("canary_is_in_nobodys_way", Stage::Canary, canary::is_in_nobodys_way),
    ("canary_topic_is_made_right", Stage::Canary, canary::topic_is_made_right),
    ("canary_of_two_brokers", Stage::Pair, elsewhere::canary_of_two),
    ("lag_equals_the_tool", Stage::Lag, lag::equals_the_tool),
    ("lag_of_the_new_protocol", Stage::Lag, lag::of_the_new_protocol),
    ("lag_moves_with_the_coordinator", Stage::Lag, lag::coordinator_moves),
    ("lag_of_who_is_cut_off_is_not_told", Stage::Lag, lag::cut_off),
    ("idle_connections_may_be_closed", Stage::Lag, ledger::closes_idle_connections),
    ("lag_equals_the_tool_with_zookeeper", Stage::LagZk39, lag::equals_the_tool),
    ("zookeeper_catch_up_after_a_kill", Stage::Zk39, zookeeper::catch_up),
    ("zookeeper_terminated_and_restarted", Stage::Zk39, zookeeper::terminated),
    ("zookeeper_killed_and_restarted_in_place", Stage::Zk39, zookeeper::restarted_in_place),
    ("zookeeper_cut_off_while_serving", Stage::Zk39, zookeeper::cut_off),
    ("zookeeper_cut_off_together_with_its_controller", Stage::Zk39, zookeeper::zone_cut_off),
    ("zookeeper_out_of_the_isr_and_back", Stage::Zk39, zookeeper::out_of_isr),
    ("zookeeper_stopped_by_a_signal_and_resumed", Stage::Zk39, zookeeper::paused),
    ("zookeeper_controller_killed", Stage::Zk39, zookeeper::controller_killed),
    ("zookeeper_itself_paused", Stage::Zk39, zookeeper::zookeeper_paused),
    ("zookeeper_one_broker_is_left", Stage::Zk39, zookeeper::alone),
    ("zookeeper_migration_is_told_by_name", Stage::Zk39, zookeeper::migrating),
    ("zookeeper_a_stop_says_what_it_would_hurt", Stage::Zk39, stops::stoppable),
    ("zookeeper_a_refill_tells_how_far_it_has_come", Stage::Zk39, refill::progress),
    ("zookeeper_canary", Stage::Zk39, elsewhere::canary_with_zookeeper),
    ("zookeeper_a_stop_of_several_is_asked_of_all", Stage::Zk39, stops::several_of_zookeeper),
    ("zookeeper_smoke_on_2_8", Stage::Zk28, zookeeper::smoke),
    ("zookeeper_canary_on_2_8", Stage::Zk28, elsewhere::canary_with_zookeeper),
    ("zookeeper_a_stop_of_several_is_asked_of_all_on_2_8", Stage::Zk28, stops::several_of_zookeeper),
    ("certificates_rotate_under_load", Stage::Tls, certificates::rotations),
    ("certificates_that_are_bad_are_refused", Stage::Tls, certificates::bad),
    ("certificates_of_another_authority_in_three_phases", Stage::Tls, certificates::authority),
    ("certificates_rotate_although_the_agent_is_killed", Stage::Tls, certificates::killed),
    ("certificates_that_end_are_kept_and_told", Stage::Tls, certificates::ended),
    ("certificates_leave_no_secret_in_a_log", Stage::Tls, certificates::secrets),
    ("certificates_of_controllers_renewed", Stage::TlsQuorum, certificates::quorum::renewed),
    ("certificates_of_controllers_of_another_authority", Stage::TlsQuorum, certificates::quorum::authority),
    ("certificates_rotate_under_load_on_3_9", Stage::Tls39, certificates::rotations),
    ("certificates_of_another_authority_in_three_phases_on_3_9", Stage::Tls39, certificates::authority),
    ("certificates_rotate_on_2_8", Stage::Tls28, certificates::rotation),
];

/// Played by `make test FULL=1` alone: what waits for a certificate to end, and what repeats on an older release what the
/// newest shows.
const ON_DEMAND: &[&str] = &[
    "certificates_that_end_are_kept_and_told",
    "zookeeper_a_stop_of_several_is_asked_of_all_on_2_8",
    "secured_ready_and_fallen_out_on_3_9",
    "secured_authenticates_anew_in_time_on_3_9",
    "secured_reload_is_proven_by_a_handshake_on_3_9",
    "secured_canary_and_lag_on_3_9",
    "zookeeper_canary_on_2_8",
    "certificates_rotate_under_load_on_3_9",
    "certificates_of_another_authority_in_three_phases_on_3_9",
];

/// As long and as often as was promised; otherwise as often as tells that it works.
fn full() -> bool {
    std::env::var_os("FULL").is_some()
}

fn main() {
    // One at a time: they share clusters.
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    let failed = if beside::is_second() {
        play(&arguments, SECOND.iter())
    } else if beside::is_all(&arguments) {
        let second = beside::start().expect("this process once more");
        let failed = play(&arguments, FIRST.iter());
        second.end().expect("what it said") || failed
    } else {
        play(&arguments, FIRST.iter().chain(SECOND))
    };
    if failed {
        std::process::exit(101);
    }
}

/// Whether any failed.
fn play(arguments: &Arguments, tests: impl Iterator<Item = &'static Test>) -> bool {
    let full = full();
    let trials = tests
        .map(|(name, stage, play)| {
            Trial::test(*name, move || {
                scene::play(name, *stage, *play).map_err(|error| format!("{error:#}").into())
            })
            .with_ignored_flag(!full && ON_DEMAND.contains(name))
        })
        .collect();
    let conclusion = libtest_mimic::run(arguments, trials);
    scene::close();
    conclusion.has_failed()
}
