//! What librdkafka's errors mean for a record.

use std::ffi::CStr;

use rdkafka::bindings::{self, rd_kafka_msg_status_t::RD_KAFKA_MSG_STATUS_NOT_PERSISTED};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;

use crate::protocol::Failure;

pub const NEVER: Option<&str> = Some("never");

/// The errors after which a record is certainly not in the log, now or later, if
/// librdkafka also says that it is "not persisted": a status that never falls
/// back once a request with the record may have reached a broker
/// (rd_kafka_retry_msgq in rdkafka_partition.c, rd_kafka_msgq_set_metadata in
/// rdkafka_msg.c). Everything else is unknown. A broker's refusal has the same
/// status, but only says what became of one attempt.
const NEVER_SENT: &[RDKafkaErrorCode] = &[
    // Its delivery timeout ended in the queue (rd_kafka_msgq_age_scan in rdkafka_msg.c).
    RDKafkaErrorCode::MessageTimedOut,
    // Close took it out of the queue (rd_kafka_toppar_handle_purge_queues in rdkafka_partition.c).
    RDKafkaErrorCode::PurgeQueue,
];

/// The failure in a delivery report.
pub fn delivery(id: u64, error: &KafkaError, message: &BorrowedMessage) -> Failure {
    let native = message.ptr();
    let status = unsafe { bindings::rd_kafka_message_status(native) };
    let unsent = status == RD_KAFKA_MSG_STATUS_NOT_PERSISTED
        && error
            .rdkafka_error_code()
            .is_some_and(|code| NEVER_SENT.contains(&code));
    Failure {
        appended: if unsent { NEVER } else { None },
        ..failure(id, error)
    }
}

/// The failure of a call.
pub fn failure(id: u64, error: &KafkaError) -> Failure {
    let code = error.rdkafka_error_code();
    let number = code.map_or(0, |code| code as i32);
    let retriable = matches!(error, KafkaError::Transaction(error) if error.is_retriable());
    let message = match error {
        KafkaError::Transaction(error) => error.string(), // it has more to say than its code
        _ => error.to_string(),
    };
    Failure {
        id,
        class: code.map_or_else(|| "KafkaError".into(), name),
        code: if number < -1 { 0 } else { number }, // those below are librdkafka's own
        retriable,
        appended: None,
        fenced: false,
        message,
    }
}

/// Whether an error says that another instance has taken the transactional id
/// over. Brokers answered InvalidProducerEpoch before ProducerFenced (KIP-588).
pub fn fenced(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{Fenced, InvalidProducerEpoch, ProducerFenced};
    matches!(
        error.rdkafka_error_code(),
        Some(Fenced | InvalidProducerEpoch | ProducerFenced)
    )
}

/// librdkafka's name of a code: REQUEST_TIMED_OUT, or _MSG_TIMED_OUT for one of its own.
pub fn name(code: RDKafkaErrorCode) -> String {
    let native = bindings::rd_kafka_resp_err_t::try_from(code as i32);
    match native {
        Ok(native) => unsafe { CStr::from_ptr(bindings::rd_kafka_err2name(native)) }
            .to_string_lossy()
            .into_owned(),
        Err(_) => format!("{code:?}"),
    }
}
