//! The messages of the driver protocol, versions 1 and 2 (clients/driver/PROTOCOL.md).

use serde::{Deserialize, Serialize};

/// The newest version.
pub const VERSION: u32 = 2;

#[derive(Deserialize)]
#[serde(tag = "command", rename_all = "lowercase")]
pub enum Command {
    Open {
        protocol: u32,
        bootstrap: Vec<String>,
        options: Options,
    },
    Send {
        records: Vec<Record>,
    },
    Flush {
        id: u64,
    },
    Begin {
        id: u64,
    },
    Commit {
        id: u64,
    },
    Abort {
        id: u64,
    },
    Close,
}

#[derive(Deserialize)]
pub struct Record {
    pub id: u64,
    pub topic: String,
    pub partition: i32,
    pub key: Option<String>,
    pub value: String,
}

/// What is left out, or 0, keeps librdkafka's default.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Options {
    pub client_id: String,
    pub idempotence: Option<bool>,
    pub acks: String, // empty: not said
    pub in_flight: u32,
    pub linger_ms: u64,
    pub batch_size: u32,
    pub compression: String,
    pub retries: i64,
    pub no_retries: bool,
    pub retry_backoff_ms: u64,
    pub request_timeout_ms: u64,
    pub delivery_timeout_ms: u64,
    pub metadata_max_age_ms: u64,
    pub transactional_id: String,
    pub transaction_timeout_ms: u64,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event {
    Ready {
        protocol: u32,
        library: &'static str,
        version: &'static str,
        order: Order,
        deadline_ms: u64,
        unmapped: Vec<Unmapped>,
    },
    Ack {
        acks: Vec<Acked>,
    },
    Error {
        errors: Vec<Failure>,
    },
    Flushed {
        id: u64,
    },
    Done {
        id: u64,
    },
    Fatal {
        class: String,
        #[serde(skip_serializing_if = "String::is_empty")]
        option: String,
        message: String,
    },
    Closed,
}

#[derive(Serialize)]
pub struct Order {
    pub promised: bool,
    pub why: &'static str,
}

/// An option that is not in force as it was asked.
#[derive(Serialize)]
pub struct Unmapped {
    pub option: &'static str,
    pub why: &'static str,
}

#[derive(Serialize)]
pub struct Acked {
    pub id: u64,
    pub partition: i32,
    pub offset: i64,
}

#[derive(Serialize, Default)]
pub struct Failure {
    pub id: u64,
    pub class: String,
    #[serde(skip_serializing_if = "is_default")]
    pub code: i32,
    #[serde(skip_serializing_if = "is_default")]
    pub retriable: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub fenced: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appended: Option<&'static str>,
    pub message: String,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
