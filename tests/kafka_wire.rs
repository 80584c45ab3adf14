//! The connection against peers that misbehave, each a loopback listener of the test's own.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed step should stop the test where it stands")]

use std::cell::Cell;
use std::future::Future;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::describe_topic_partitions_response as described;
use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, ApiVersionsResponse, BrokerId, DescribeQuorumRequest, DescribeQuorumResponse,
    DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, MetadataRequest, MetadataResponse,
    RequestHeader, ResponseHeader, TopicName, metadata_response,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, StrBytes};
use pillion::kafka::requests::{Kind, api_versions, describe_quorum_request, listed_brokers};
use pillion::kafka::scan::{Scan, ScanBuffer, ScanError, ScanKind, scan_page, scan_round};
use pillion::kafka::{Address, Connection, Security, WireError};
use pillion_probes::time::BootTime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

const SOON: Duration = Duration::from_millis(300);
const LATER: Duration = Duration::from_secs(20);

/// A listener whose first connection `serve` handles.
async fn peer<F: Future<Output = ()> + Send + 'static>(
    serve: impl FnOnce(TcpStream) -> F + Send + 'static,
) -> Address {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        serve(stream).await;
    });
    Address { host: "127.0.0.1".to_owned(), port }
}

/// A peer that says `bytes` to whatever it is asked, then waits.
async fn says(bytes: &'static [u8]) -> Address {
    peer(move |mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(bytes).await.unwrap();
        sleep(LATER).await;
    })
    .await
}

async fn open(address: &Address) -> Connection {
    Connection::open(address, &Security::plain(), "test", Instant::now() + LATER).await.unwrap()
}

/// The error of one `ApiVersions` call, and how long it took.
async fn fails(address: &Address, within: Duration) -> (WireError, Duration) {
    let mut connection = open(address).await;
    let began = Instant::now();
    let error = api_versions(&mut connection, began + within).await.unwrap_err();
    assert!(!connection.is_usable(), "a failed call poisons the connection: {error}");
    let again = api_versions(&mut connection, Instant::now() + within).await.unwrap_err();
    assert!(matches!(again, WireError::Abandoned), "{again}");
    (error, began.elapsed())
}

async fn read_request(stream: &mut TcpStream) -> (RequestHeader, Bytes) {
    let len = stream.read_u32().await.unwrap();
    let mut frame = vec![0; len as usize];
    stream.read_exact(&mut frame).await.unwrap();
    let key = ApiKey::try_from(i16::from_be_bytes([frame[0], frame[1]])).unwrap();
    let version = key.request_header_version(i16::from_be_bytes([frame[2], frame[3]]));
    let mut frame = Bytes::from(frame);
    let header = RequestHeader::decode(&mut frame, version).unwrap();
    (header, frame)
}

fn answer<T: Encodable + HeaderVersion>(correlation: i32, version: i16, message: &T) -> Vec<u8> {
    let mut frame = BytesMut::new();
    let header = ResponseHeader::default().with_correlation_id(correlation);
    header.encode(&mut frame, T::header_version(version)).unwrap();
    message.encode(&mut frame, version).unwrap();
    [&u32::try_from(frame.len()).unwrap().to_be_bytes()[..], &frame].concat()
}

fn kraft() -> ApiVersionsResponse {
    let keys = [(3, 13), (18, 4), (55, 2), (75, 0)];
    let keys = keys.map(|(key, max)| ApiVersion::default().with_api_key(key).with_max_version(max));
    ApiVersionsResponse::default().with_api_keys(keys.to_vec()).with_finalized_features_epoch(77)
}

#[tokio::test]
async fn a_closed_port_is_refused() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = Address { host: "127.0.0.1".to_owned(), port: listener.local_addr().unwrap().port() };
    drop(listener);
    let error =
        Connection::open(&address, &Security::plain(), "test", Instant::now() + LATER).await.unwrap_err();
    assert!(matches!(error, WireError::Refused { .. }), "{error}");
    assert!(error.voids_incarnation() && !error.shows_life());
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_unreachable() {
    let address = Address { host: "no-such-host.invalid".to_owned(), port: 9092 };
    let error =
        Connection::open(&address, &Security::plain(), "test", Instant::now() + LATER).await.unwrap_err();
    assert!(matches!(error, WireError::Unreachable { .. }), "{error}");
    assert!(!error.voids_incarnation() && !error.shows_life());
}

#[tokio::test]
async fn silence_times_out_and_proves_nothing() {
    let (error, took) = fails(&says(&[]).await, SOON).await;
    assert!(matches!(error, WireError::TimedOut { heard: false, .. }), "{error}");
    assert!(!error.shows_life() && !error.voids_incarnation());
    assert!(took < SOON * 4, "{took:?}");
}

#[tokio::test]
async fn a_close_shows_life_and_voids_the_incarnation() {
    let (error, _) = fails(&peer(|stream| async { drop(stream) }).await, LATER).await;
    assert!(matches!(error, WireError::Closed { .. }), "{error}");
    assert!(error.shows_life() && error.voids_incarnation());
}

#[tokio::test]
async fn other_protocols_are_named() {
    for (bytes, name) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "HTTP"),
        (b"\x15\x03\x03\x00\x02\x02\x46", "TLS"),
        (b"SSH-2.0-x\r\n", "SSH"),
    ] {
        let (error, _) = fails(&says(bytes).await, LATER).await;
        assert!(matches!(error, WireError::NotKafka { looks_like } if looks_like == name), "{error}");
        assert!(error.shows_life());
    }
}

#[tokio::test]
async fn absurd_lengths_are_refused_at_once() {
    let (error, _) = fails(&says(&[0x7f, 0xff, 0xff, 0xff]).await, LATER).await;
    assert!(matches!(error, WireError::FrameTooLarge { len: 0x7fff_ffff, .. }), "{error}");
    let (error, _) = fails(&says(&[0x80, 0, 0, 0]).await, LATER).await;
    assert!(matches!(error, WireError::Malformed { .. }), "{error}");
    let (error, _) = fails(&says(&[0, 0, 0, 3, 1, 2, 3]).await, LATER).await;
    assert!(matches!(error, WireError::Malformed { .. }), "{error}");
}

#[tokio::test]
async fn an_answer_to_another_request_is_malformed() {
    let (error, _) = fails(&says(&[0, 0, 0, 8, 0, 0, 0x77, 0x77, 0, 0, 0, 0]).await, LATER).await;
    assert!(matches!(error, WireError::Malformed { .. }), "{error}");
}

#[tokio::test]
async fn a_trickle_is_cut_off_by_the_deadline_of_the_whole_call() {
    let address = peer(|mut stream| async move {
        read_request(&mut stream).await;
        for byte in [0_u8, 0, 1, 0, 0, 0, 0, 1].into_iter().cycle() {
            if stream.write_all(&[byte]).await.is_err() {
                return;
            }
            sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
    let (error, took) = fails(&address, SOON).await;
    assert!(matches!(error, WireError::TimedOut { heard: true, .. }), "{error}");
    assert!(error.shows_life());
    assert!(took < SOON * 4, "{took:?}");
}

#[tokio::test]
async fn an_older_broker_is_asked_again_in_v0() {
    let address = peer(|mut stream| async move {
        let (header, _) = read_request(&mut stream).await;
        assert_eq!(header.request_api_version, 3);
        let refusal = ApiVersionsResponse::default().with_error_code(35);
        stream.write_all(&answer(header.correlation_id, 0, &refusal)).await.unwrap();
        let (header, _) = read_request(&mut stream).await;
        assert_eq!(header.request_api_version, 0);
        let keys = [4, 6, 7, 18].map(|key| ApiVersion::default().with_api_key(key));
        let old = ApiVersionsResponse::default().with_api_keys(keys.to_vec());
        stream.write_all(&answer(header.correlation_id, 0, &old)).await.unwrap();
    })
    .await;
    let versions = api_versions(&mut open(&address).await, Instant::now() + LATER).await.unwrap();
    assert_eq!(versions.kind, Kind::ZooKeeper);
    assert_eq!(versions.applied, None);
}

#[tokio::test]
async fn brokers_are_listed_without_topics() {
    let address = peer(|mut stream| async move {
        let (header, _) = read_request(&mut stream).await;
        stream.write_all(&answer(header.correlation_id, 3, &kraft())).await.unwrap();
        let (header, mut body) = read_request(&mut stream).await;
        let request = MetadataRequest::decode(&mut body, header.request_api_version).unwrap();
        assert_eq!(request.topics, Some(Vec::new()), "empty, not null");
        assert!(!request.allow_auto_topic_creation);
        let broker = |id| metadata_response::MetadataResponseBroker::default().with_node_id(BrokerId(id));
        let response = MetadataResponse::default()
            .with_cluster_id(Some(StrBytes::from_static_str("c")))
            .with_brokers(vec![broker(1), broker(4)]);
        let frame = answer(header.correlation_id, header.request_api_version, &response);
        stream.write_all(&frame).await.unwrap();
    })
    .await;
    let mut connection = open(&address).await;
    let versions = api_versions(&mut connection, Instant::now() + LATER).await.unwrap();
    assert_eq!(versions.kind, Kind::KraftBroker);
    assert_eq!(versions.applied, Some(77));
    let listed = listed_brokers(&mut connection, &versions, Instant::now() + LATER).await.unwrap();
    let ids: Vec<i32> = listed.brokers.iter().map(|broker| broker.id).collect();
    assert_eq!((listed.cluster_id.as_deref(), &ids[..]), (Some("c"), &[1, 4][..]));
    assert!(listed.lists(4) && !listed.lists(2));
}

#[tokio::test]
async fn a_pending_call_is_waited_for_again() {
    let address = peer(|mut stream| async move {
        let (header, _) = read_request(&mut stream).await;
        let frame = answer(header.correlation_id, 1, &DescribeQuorumResponse::default().with_error_code(7));
        let (start, end) = frame.split_at(6);
        stream.write_all(start).await.unwrap();
        sleep(SOON * 2).await;
        stream.write_all(end).await.unwrap();
        sleep(LATER).await;
    })
    .await;
    let request: DescribeQuorumRequest = describe_quorum_request();
    let mut pending = open(&address).await.start(1, &request, Instant::now() + LATER).await.unwrap();
    let error = pending.wait(Instant::now() + SOON).await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    // A wait that is dropped half-way loses nothing either.
    let dropped = tokio::time::timeout(SOON / 10, pending.wait(Instant::now() + LATER)).await;
    assert!(dropped.is_err());
    let answer = pending.wait(Instant::now() + LATER).await.unwrap();
    assert_eq!(answer.message.error_code, 7);
    assert!(pending.into_connection().is_usable());
}

#[tokio::test]
async fn a_dropped_call_poisons_the_connection() {
    let address = says(&[]).await;
    let mut connection = open(&address).await;
    let request = ApiVersionsRequest::default();
    let call = connection.call(3, &request, Instant::now() + LATER);
    assert!(tokio::time::timeout(SOON / 3, call).await.is_err());
    let error = api_versions(&mut connection, Instant::now() + LATER).await.unwrap_err();
    assert!(matches!(error, WireError::Abandoned), "{error}");
    let request = describe_quorum_request();
    let pending = open(&says(&[]).await).await.start(1, &request, Instant::now() + LATER).await.unwrap();
    assert!(!pending.into_connection().is_usable());
}

fn small_pages() -> Scan {
    Scan { cap: 1 << 20, page_limit: 2, ..Scan::new(ScanKind::DescribeTopicPartitions, 1) }
}

/// Serves pages of two partitions from one topic a page; `next` makes each page's cursor.
async fn pages(next: fn(u16) -> Option<u16>) -> Address {
    peer(move |mut stream| async move {
        let mut page = 0;
        loop {
            let (header, mut body) = read_request(&mut stream).await;
            let request = DescribeTopicPartitionsRequest::decode(&mut body, 0).unwrap();
            assert_eq!(request.response_partition_limit, 2);
            assert_eq!(request.cursor.is_some(), page > 0);
            let topic_name = |page: u16| TopicName(StrBytes::from_string(format!("t{page:03}")));
            let partition = |index| {
                described::DescribeTopicPartitionsResponsePartition::default()
                    .with_partition_index(index)
                    .with_leader_id(BrokerId(1))
                    .with_replica_nodes(vec![BrokerId(1)])
                    .with_isr_nodes(if index == 0 { vec![BrokerId(1)] } else { vec![] })
            };
            let topic = described::DescribeTopicPartitionsResponseTopic::default()
                .with_name(Some(topic_name(page)))
                .with_partitions(vec![partition(0), partition(1)]);
            let cursor = next(page).map(|to| described::Cursor::default().with_topic_name(topic_name(to)));
            let response =
                DescribeTopicPartitionsResponse::default().with_topics(vec![topic]).with_next_cursor(cursor);
            stream.write_all(&answer(header.correlation_id, 0, &response)).await.unwrap();
            page += 1;
        }
    })
    .await
}

#[tokio::test]
async fn a_round_dates_each_page_by_its_send() {
    let address = pages(|page| (page < 9).then_some(page + 1)).await;
    let (mut connection, mut buffer) = (open(&address).await, ScanBuffer::default());
    let clock = Cell::new(0);
    let now = || {
        clock.set(clock.get() + 1);
        BootTime::from_millis(clock.get())
    };
    let mut seen = Vec::new();
    let round = scan_round(&mut connection, &small_pages(), &mut buffer, LATER, now, |sent, page| {
        seen.push((sent, page.tally.out_of_isr));
    })
    .await
    .unwrap();
    assert_eq!(seen, (1..=10).map(|sent| (BootTime::from_millis(sent), 1)).collect::<Vec<_>>());
    assert_eq!((round.started, round.finished), (BootTime::from_millis(1), BootTime::from_millis(11)));
    assert_eq!(round.as_of, round.started);
    assert_eq!((round.tally.topics, round.tally.partitions, round.tally.assigned), (10, 20, 20));
    assert_eq!((round.tally.out_of_isr, round.tally.named.len()), (10, 8));
    assert!(connection.is_usable());
}

#[tokio::test]
async fn a_cursor_that_stands_still_ends_the_round() {
    let address = pages(|_| Some(5)).await;
    let (mut connection, mut buffer) = (open(&address).await, ScanBuffer::default());
    let round =
        scan_round(&mut connection, &small_pages(), &mut buffer, LATER, BootTime::default, |_, _| {}).await;
    let error = round.unwrap_err();
    assert!(matches!(error, WireError::Scan(ScanError::Cursor)), "{error}");
}

#[tokio::test]
async fn a_scan_is_capped_and_poisons_on_failure() {
    for (bytes, cap) in [
        // Over the cap.
        (&[0, 0x20, 0, 0, 0, 0, 0, 1][..], 1 << 20),
        // Two billion topics.
        (&[0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x07], 1 << 20),
        // Shorter than its own message.
        (&[0, 0, 0, 6, 0, 0, 0, 1, 0, 0], 1 << 20),
    ] {
        let mut connection = open(&says(bytes).await).await;
        let scan = Scan { cap, ..small_pages() };
        let mut buffer = ScanBuffer::default();
        let page = scan_page(&mut connection, &scan, None, &mut buffer, Instant::now() + LATER).await;
        let error = page.unwrap_err();
        assert!(error.shows_life() && !error.is_timeout(), "{error}");
        assert!(!connection.is_usable());
    }
}

#[tokio::test]
async fn a_scan_that_never_pauses_still_meets_its_deadline() {
    let address = peer(|mut stream| async move {
        read_request(&mut stream).await;
        // A header tag of 255 MB, sent as fast as it is read.
        let head = [0x0f, 0xf0, 0, 0, 0, 0, 0, 1, 1, 100, 0x80, 0x80, 0x80, 0x7f];
        stream.write_all(&head).await.unwrap();
        let zeroes = [0; 1 << 12];
        while stream.write_all(&zeroes).await.is_ok() {
            sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    let mut connection = open(&address).await;
    let scan = Scan { cap: Scan::DEFAULT_CAP, ..small_pages() };
    let (mut buffer, began) = (ScanBuffer::default(), Instant::now());
    let error = scan_page(&mut connection, &scan, None, &mut buffer, began + SOON).await.unwrap_err();
    assert!(matches!(error, WireError::TimedOut { heard: true, .. }), "{error}");
    assert!(began.elapsed() < SOON * 4);
}
