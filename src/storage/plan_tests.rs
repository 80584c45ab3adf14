#![allow(clippy::unwrap_used, reason = "a failed step should stop the test where it stands")]
use super::{super::MetaProperties, *};

fn dir(name: &str, state: State) -> LogDir {
    LogDir {
        path: name.into(),
        state,
        marked: false,
        clean_shutdown: false,
        partitions: 0,
        lost_and_found: false,
    }
}

fn ours(name: &str) -> LogDir {
    let directory_id = Some(name.to_owned());
    let meta = MetaProperties { version: 1, cluster_id: Some("c".into()), node_id: Some(7), directory_id };
    dir(name, State::Formatted(meta))
}

fn broker() -> Wanted {
    Wanted {
        node_id: 7,
        cluster_id: "c".into(),
        metadata_dir: "/a".into(),
        broker: true,
        controller: false,
        static_voter: false,
        marker: Marker::Native,
    }
}

fn refused(found: &[LogDir], wanted: &Wanted, intent: Intent) -> String {
    plan(found, wanted, intent).unwrap_err().iter().map(|p| p.what.clone()).collect::<Vec<_>>().join("; ")
}

#[test]
fn an_empty_volume_needs_a_word() {
    let found = [dir("/a", State::Empty), dir("/b", State::Absent)];
    let dirs = vec!["/a".into(), "/b".into()];
    assert!(refused(&found, &broker(), Intent::Start).contains("nothing says"));
    let native = |ask| Plan::Native { dirs: dirs.clone(), ask };
    assert_eq!(plan(&found, &broker(), Intent::Bootstrap), Ok(native(Ask::IfItAnswers)));
    assert_eq!(plan(&found, &broker(), Intent::Replace), Ok(native(Ask::Must)));
    let newer = Wanted { marker: Marker::Tool, ..broker() };
    let tool = |ask| Plan::Tool { dirs: dirs.clone(), ask, beside_others: false };
    assert_eq!(plan(&found, &newer, Intent::Bootstrap), Ok(tool(Ask::IfItAnswers)));
    let voter = Wanted { controller: true, static_voter: true, ..broker() };
    assert_eq!(plan(&found, &voter, Intent::Bootstrap), Ok(tool(Ask::IfItAnswers)));
    let alone = Wanted { broker: false, ..voter.clone() };
    assert_eq!(plan(&found, &alone, Intent::Bootstrap), Ok(tool(Ask::No)));
    assert!(refused(&found, &voter, Intent::Replace).contains("never formatted as a replacement"));
    let joiner = Wanted { static_voter: false, ..voter };
    assert_eq!(plan(&found, &joiner, Intent::Replace), Ok(tool(Ask::Must)));
}

#[test]
fn a_directory_may_be_added_beside_one_that_proves_whose_node_it_is() {
    let found = [ours("/a"), dir("/b", State::Empty)];
    let added = Ok(Plan::Native { dirs: vec!["/b".into()], ask: Ask::No });
    assert_eq!(plan(&found, &broker(), Intent::Start), added);
    let lost = Ok(Plan::Native { dirs: vec!["/b".into()], ask: Ask::Must });
    assert_eq!(plan(&found, &broker(), Intent::Replace), lost, "it is said to be one that was lost");
    let controller = Wanted { controller: true, ..broker() };
    assert_eq!(plan(&found, &controller, Intent::Start), added);
    let lost = Wanted { metadata_dir: "/b".into(), ..controller };
    assert!(refused(&found, &lost, Intent::Bootstrap).contains("metadata directory of a controller"));
}

#[test]
fn what_is_not_provably_ours_is_never_touched() {
    let foreign = dir("/b", State::Foreign { partitions: vec!["t-0".into()], others: vec![] });
    for intent in [Intent::Start, Intent::Bootstrap, Intent::Replace] {
        assert!(
            refused(&[ours("/a"), foreign.clone()], &broker(), intent).contains("holds partitions (t-0)")
        );
        assert!(refused(&[dir("/a", State::Empty), foreign.clone()], &broker(), intent).contains("t-0"));
        let other = Wanted { node_id: 8, cluster_id: "d".into(), ..broker() };
        let said = refused(&[ours("/a")], &other, intent);
        assert!(said.contains("belongs to node 7") && said.contains("belongs to the cluster c"), "{said}");
        let twin = LogDir { path: "/b".into(), ..ours("/a") };
        assert!(refused(&[ours("/a"), twin], &broker(), intent).contains("that of /a, too"));
    }
}

#[test]
fn a_stopped_formatter_begins_again_and_a_finished_one_is_only_unmarked() {
    let marked = |mut dir: LogDir| {
        dir.marked = true;
        dir
    };
    let controller = Wanted { controller: true, static_voter: true, ..broker() };
    let half = [marked(ours("/a")), marked(dir("/b", State::Unfinished))];
    let again =
        Plan::Tool { dirs: vec!["/a".into(), "/b".into()], ask: Ask::IfItAnswers, beside_others: false };
    assert_eq!(plan(&half, &controller, Intent::Bootstrap), Ok(again));
    let done = [marked(ours("/a")), ours("/b")];
    assert_eq!(plan(&done, &controller, Intent::Start), Ok(Plan::Ready { marked: vec!["/a".into()] }));
}

#[test]
fn in_zookeeper_mode_the_broker_marks_its_directories_itself() {
    let wanted = Wanted { marker: Marker::Broker, ..broker() };
    let nothing = Plan::Ready { marked: vec![] };
    let empty = [dir("/a", State::Empty), dir("/b", State::Absent)];
    assert_eq!(plan(&empty, &wanted, Intent::Bootstrap), Ok(nothing.clone()));
    assert!(refused(&empty, &wanted, Intent::Start).contains("nothing says"));
    assert!(refused(&empty, &wanted, Intent::Replace).contains("cannot be asked"));
    let v0 = |node_id| {
        State::Formatted(MetaProperties {
            version: 0,
            cluster_id: Some("c".into()),
            node_id,
            directory_id: None,
        })
    };
    let added = [dir("/a", v0(Some(7))), dir("/b", State::Empty)];
    assert_eq!(plan(&added, &wanted, Intent::Start), Ok(nothing));
    assert!(refused(&added, &wanted, Intent::Replace).contains("cannot be asked"));
    assert!(
        refused(&[dir("/a", v0(None)), dir("/b", State::Empty)], &wanted, Intent::Start)
            .contains("whose node")
    );
    assert!(refused(&[dir("/a", v0(Some(8)))], &wanted, Intent::Start).contains("belongs to node 8"));
    assert!(refused(&[ours("/a")], &wanted, Intent::Start).contains("KRaft"));
}
