//! The verdict *stoppable*: what topics need is asked, and every partition held against it. Against a broker made up, which
//! answers at once: what is measured is the agent, and how much it asks.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult,
};
use kafka_protocol::messages::{
    ApiKey, ApiVersionsResponse, DescribeConfigsRequest, DescribeConfigsResponse, ResponseHeader,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, StrBytes};
use pillion::kafka::requests::api_versions;
use pillion::kafka::scan::{Asked, Scan, ScanBuffer, minimums, scan_round};
use pillion::kafka::{Address, Connection, Security};
use pillion_probes::time::BootTime;

use crate::row::Row;
use crate::scan::{OWN, Peak, described_pages};

const PATIENCE: Duration = Duration::from_secs(20);
/// `DescribeTopicPartitions`.
const PAGES: i16 = 75;
/// One topic of so many has a minimum of its own.
const OWN_MINIMUM: u64 = 100;

/// The time for both, the heap, and the requests.
pub fn rows(peak: Peak<'_>) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for partitions in [100_000, 1_000_000] {
        rows.extend(measure(partitions, peak).context("the broker made up")?);
    }
    Ok(rows)
}

fn measure(partitions: u32, peak: Peak<'_>) -> Result<Vec<Row>> {
    let asked = Arc::new(AtomicU64::new(0));
    let at = broker(described_pages(partitions), Arc::clone(&asked))?;
    let mut outcome = None;
    let heap = peak(&mut || outcome = Some(once(&at)));
    let (needs, scanned, found) = outcome.context("it was measured")??;
    ensure!(found == u64::from(partitions / 12 * 12), "it saw {found} partitions");
    let name = |what: &str| format!("stoppable: {what}, {partitions} partitions");
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let requests = f64::from(u32::try_from(asked.load(Ordering::Relaxed))?);
    Ok(vec![
        Row::at_most(&name("what topics need"), ms(needs), "ms", f64::from(partitions) / 100.0, None),
        Row::at_most(&name("one look"), ms(scanned), "ms", f64::from(partitions) / 100.0, None),
        // The broker made up is in the same process: some of it is its own.
        Row::at_most(&name("heap"), f64::from(u32::try_from(heap / 1024)?), "KiB", 4096.0, None),
        // A request for each page, and those for what 500 topics need: each half minute.
        Row::at_most(&name("requests"), requests, "requests", f64::from(partitions) / 400.0, None),
    ])
}

fn once(at: &Address) -> Result<(Duration, Duration, u64)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let deadline = || tokio::time::Instant::now() + PATIENCE;
        let mut connection = Connection::open(at, &Security::plain(), "bench", deadline()).await?;
        let versions = api_versions(&mut connection, deadline()).await?;
        let scan = Scan::pick(&versions, OWN)?;
        let mut buffer = ScanBuffer::default();
        let began = Instant::now();
        let asked = Asked { connection: &mut connection, versions: &versions };
        let known = minimums(asked, &scan, None, &mut buffer, PATIENCE, BootTime::default).await?;
        let needs = began.elapsed();
        let scan = Scan { minimums: Some(Arc::new(known)), ..scan };
        let began = Instant::now();
        let round =
            scan_round(&mut connection, &scan, &mut buffer, PATIENCE, BootTime::default, |_, _| {}).await?;
        let stops = round.tally.stops.context("they were counted")?;
        ensure!(stops.counts.iter().sum::<u64>() > 0, "some need all their replicas");
        Ok((needs, began.elapsed(), round.tally.partitions))
    })
}

/// Serves one connection for ever.
fn broker(pages: Vec<Vec<u8>>, asked: Arc<AtomicU64>) -> Result<Address> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        let (stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        serve(stream, &pages, &asked)
    });
    Ok(Address { host: "127.0.0.1".to_owned(), port })
}

fn serve(mut stream: TcpStream, pages: &[Vec<u8>], asked: &AtomicU64) -> Result<()> {
    let mut page = 0;
    loop {
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let mut rest = vec![0; length - 8];
        stream.read_exact(&mut rest)?;
        let (key, version) = (i16::from_be_bytes([head[4], head[5]]), i16::from_be_bytes([head[6], head[7]]));
        let correlation = i32::from_be_bytes([head[8], head[9], head[10], head[11]]);
        asked.fetch_add(1, Ordering::Relaxed);
        if key == PAGES {
            let body = &pages[page % pages.len()];
            page += 1;
            stream.write_all(&u32::try_from(body.len() + 4)?.to_be_bytes())?;
            stream.write_all(&correlation.to_be_bytes())?;
            stream.write_all(body)?;
        } else if key == ApiKey::ApiVersions as i16 {
            answer(&mut stream, correlation, version, &abilities())?;
        } else {
            // Behind the client's name and the tags.
            let name = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
            let mut body = Bytes::from(rest.split_off(2 + name + 1));
            let request = DescribeConfigsRequest::decode(&mut body, version)?;
            answer(&mut stream, correlation, version, &needs(&request))?;
        }
    }
}

fn abilities() -> ApiVersionsResponse {
    let one = |key: i16, max| ApiVersion::default().with_api_key(key).with_max_version(max);
    let keys = [
        one(ApiKey::ApiVersions as i16, 3),
        one(PAGES, 0),
        one(ApiKey::DescribeConfigs as i16, 4),
        one(ApiKey::DescribeQuorum as i16, 1),
    ];
    ApiVersionsResponse::default().with_api_keys(keys.into())
}

/// Two for all but a few, which have as many as their replicas.
fn needs(request: &DescribeConfigsRequest) -> DescribeConfigsResponse {
    let result = |name: &StrBytes| {
        let number =
            name.bytes().filter(u8::is_ascii_digit).fold(0, |all, digit| all * 10 + u64::from(digit - b'0'));
        let strict = number % OWN_MINIMUM == 0;
        let config = DescribeConfigsResourceResult::default()
            .with_name(StrBytes::from_static_str("min.insync.replicas"))
            .with_value(Some(StrBytes::from_static_str(if strict { "3" } else { "2" })))
            .with_config_source(if strict { 1 } else { 4 });
        DescribeConfigsResult::default().with_resource_name(name.clone()).with_configs(vec![config])
    };
    let results = request.resources.iter().map(|resource| result(&resource.resource_name)).collect();
    DescribeConfigsResponse::default().with_results(results)
}

fn answer<T: Encodable + HeaderVersion>(
    stream: &mut TcpStream,
    correlation: i32,
    version: i16,
    message: &T,
) -> Result<()> {
    let mut frame = BytesMut::new();
    let header = ResponseHeader::default().with_correlation_id(correlation);
    header.encode(&mut frame, T::header_version(version))?;
    message.encode(&mut frame, version)?;
    stream.write_all(&u32::try_from(frame.len())?.to_be_bytes())?;
    let written: io::Result<()> = stream.write_all(&frame);
    Ok(written?)
}
