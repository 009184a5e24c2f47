//! The vocabulary of options in librdkafka's words. librdkafka itself refuses
//! what it does not take, naming the property.

use rdkafka::config::ClientConfig;

use crate::protocol::{Options, Order, Unmapped};

/// Room for a value of 1 MiB, its key and the batch around it; the default is 1 MB.
const MESSAGE_MAX_BYTES: &str = "2097152";

/// librdkafka's defaults.
const DEFAULT_IN_FLIGHT: u32 = 1_000_000;
const DEFAULT_REQUEST_TIMEOUT_MS: u64 = 60_000; // socket.timeout.ms

pub fn translate(bootstrap: &[String], o: &Options) -> Result<ClientConfig, String> {
    if o.client_id.is_empty() {
        return Err("client_id is missing".into());
    }
    if o.retries != 0 && o.no_retries {
        return Err("retries and no_retries: want one of them".into());
    }
    let retries = match o.retries {
        0 if o.no_retries => "0".to_string(),
        ..=-1 => i32::MAX.to_string(),
        n => given(n),
    };
    let mut config = ClientConfig::new();
    for (property, value) in [
        ("bootstrap.servers", bootstrap.join(",")),
        ("client.id", o.client_id.clone()),
        (
            "enable.idempotence",
            o.idempotence.map(|on| on.to_string()).unwrap_or_default(),
        ),
        ("acks", o.acks.clone()),
        ("message.max.bytes", MESSAGE_MAX_BYTES.to_string()),
        ("max.in.flight.requests.per.connection", given(o.in_flight)),
        ("linger.ms", given(o.linger_ms)),
        ("batch.size", given(o.batch_size)),
        ("compression.type", o.compression.clone()),
        ("retries", retries),
        ("retry.backoff.ms", given(o.retry_backoff_ms)),
        ("retry.backoff.max.ms", given(o.retry_backoff_ms)),
        // How long the client waits, and how long a broker may.
        ("socket.timeout.ms", given(o.request_timeout_ms)),
        ("request.timeout.ms", given(o.request_timeout_ms)),
        ("delivery.timeout.ms", given(o.delivery_timeout_ms)),
        (
            "topic.metadata.refresh.interval.ms",
            given(o.metadata_max_age_ms),
        ),
        ("transactional.id", o.transactional_id.clone()),
        ("transaction.timeout.ms", given(o.transaction_timeout_ms)),
    ] {
        if !value.is_empty() {
            config.set(property, value);
        }
    }
    Ok(config)
}

fn given<T: ToString + Default + PartialEq>(value: T) -> String {
    if value == T::default() {
        String::new()
    } else {
        value.to_string()
    }
}

pub fn order(o: &Options) -> Order {
    let in_flight = if o.in_flight > 0 {
        o.in_flight
    } else {
        DEFAULT_IN_FLIGHT
    };
    match (o.idempotence, in_flight) {
        (Some(true), _) => Order { promised: true, why: "idempotent writes keep the order of produce calls through retries, at most five requests in flight" },
        (_, 1) => Order { promised: true, why: "one request in flight per broker: a retry cannot be overtaken" },
        _ => Order { promised: false, why: "idempotence off and several requests in flight: a retry may be overtaken" },
    }
}

/// What is not in force as it was asked. rd_kafka_handle_Produce_error counts no
/// attempt after which it asks for new metadata, but for lost connections and
/// storage errors.
pub fn unmapped(o: &Options) -> Vec<Unmapped> {
    if o.retries > 0 {
        vec![Unmapped { option: "retries", why: "attempts that a broker refused since it does not lead the partition (3, 5, 6) are not counted: these go on until the delivery timeout" }]
    } else {
        Vec::new()
    }
}

/// How long a record may take on a healthy cluster, in milliseconds: its delivery
/// timeout where one is asked for, else two requests that run into theirs.
pub fn deadline(o: &Options) -> u64 {
    const MARGIN: u64 = 10_000;
    match (o.delivery_timeout_ms, o.request_timeout_ms) {
        (0, 0) => 2 * DEFAULT_REQUEST_TIMEOUT_MS + MARGIN,
        (0, request) => 2 * request + MARGIN,
        (delivery, _) => delivery + MARGIN,
    }
}
