//! A question and its answer, on the wire.

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{RData, Record, RecordType};

use super::zone::Zone;

/// How long an answer may be kept, in seconds, as with `CoreDNS`.
const TTL: u32 = 5;

/// The answer to one question; none if it is not even one.
pub(super) fn answer(question: &[u8], zone: &Zone) -> Option<Vec<u8>> {
    let asked = Message::from_vec(question).ok()?;
    let query = asked.queries.first()?.clone();
    let mut reply = Message::response(asked.metadata.id, asked.metadata.op_code);
    reply.metadata.authoritative = true;
    reply.metadata.recursion_desired = asked.metadata.recursion_desired;
    reply.metadata.recursion_available = true;
    let name = query.name().to_ascii().to_ascii_lowercase();
    match zone.addresses(name.trim_end_matches('.')) {
        None => reply.metadata.response_code = ResponseCode::NXDomain,
        Some(addresses) if query.query_type() == RecordType::A => {
            let record = |address| Record::from_rdata(query.name().clone(), TTL, RData::A(A(address)));
            reply.add_answers(addresses.into_iter().map(record));
        }
        // The name is there, but has no record of this type, such as AAAA.
        Some(_) => {}
    }
    reply.add_query(query);
    reply.to_vec().ok()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::str::FromStr;

    use hickory_proto::op::{Message, Query, ResponseCode};
    use hickory_proto::rr::{Name, RData, RecordType};

    use super::super::zone::tests::zone_of_one;
    use super::answer;

    fn ask(name: &str, kind: RecordType) -> Message {
        let mut asked = Message::query();
        asked.metadata.id = 7;
        asked.add_query(Query::query(Name::from_str(name).unwrap(), kind));
        Message::from_vec(&answer(&asked.to_vec().unwrap(), &zone_of_one()).unwrap()).unwrap()
    }

    fn addresses(reply: &Message) -> Vec<Ipv4Addr> {
        let address = |data: &RData| if let RData::A(a) = data { Some(a.0) } else { None };
        reply.answers.iter().filter_map(|record| address(&record.data)).collect()
    }

    #[test]
    fn a_pod_is_found_by_its_name_in_any_case() {
        for name in ["kafka-0.kafka.here.svc.cluster.local.", "KAFKA-0.kafka.here.svc.Cluster.local."] {
            let reply = ask(name, RecordType::A);
            assert_eq!((reply.metadata.id, reply.metadata.response_code), (7, ResponseCode::NoError));
            assert_eq!(addresses(&reply), [Ipv4Addr::new(10, 88, 0, 21)]);
        }
    }

    #[test]
    fn a_name_without_such_a_record_is_not_a_name_that_is_not_there() {
        let none = ask("kafka-0.kafka.here.svc.cluster.local.", RecordType::AAAA);
        assert_eq!((none.metadata.response_code, none.answers.len()), (ResponseCode::NoError, 0));
        let gone = ask("kafka-9.kafka.here.svc.cluster.local.", RecordType::A);
        assert_eq!((gone.metadata.response_code, gone.answers.len()), (ResponseCode::NXDomain, 0));
    }

    #[test]
    fn what_is_no_question_has_no_answer() {
        assert_eq!(answer(b"\0\x01", &zone_of_one()), None);
    }
}
