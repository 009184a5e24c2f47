//! One producer of rdkafka, with the records that it has not answered yet.

use std::collections::HashSet;
use std::sync::{Arc, Condvar, Mutex, Once};
use std::thread;
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{
    BaseRecord, Producer as _, ProducerContext, PurgeConfig, ThreadedProducer,
};
use rdkafka::util::Timeout;

use crate::errors;
use crate::events::Events;
use crate::options;
use crate::protocol::{Acked, Event, Failure, Options, Record};

/// How long opening, and closing, may take.
const OPEN_LIMIT: Duration = Duration::from_secs(30);
const CLOSE_LIMIT: Duration = Duration::from_secs(1);

/// How long to wait for room in librdkafka's queue.
const FULL_PAUSE: Duration = Duration::from_millis(1);

/// Why there is no producer.
pub enum Cannot {
    Unsupported(&'static str, String), // an option, or "protocol"
    Refused(String), // by librdkafka, for the options
    Broken(String),
}

impl From<String> for Cannot {
    fn from(why: String) -> Self {
        Cannot::Broken(why)
    }
}

impl From<&str> for Cannot {
    fn from(why: &str) -> Self {
        Cannot::Broken(why.into())
    }
}

pub struct Producer {
    native: ThreadedProducer<Reports>, // its thread polls
    state: Arc<State>,
    fatal: Once,
}

struct State {
    events: Events,
    pending: Mutex<HashSet<u64>>, // ids of records without an answer
    answered: Condvar,
    confirmed: bool, // acks are not 0
    transactional: bool,
}

impl State {
    /// Answers a record, once.
    fn answer(&self, id: u64, answer: Result<Acked, Failure>) {
        let mut pending = self.pending.lock().unwrap();
        if pending.remove(&id) {
            match answer {
                Ok(acked) => self.events.ack(acked),
                Err(failure) => self.events.fail(failure),
            }
            self.answered.notify_all();
        }
    }

    fn failure(&self, id: u64, error: &KafkaError) -> Failure {
        Failure {
            fenced: self.transactional && errors::fenced(error),
            ..errors::failure(id, error)
        }
    }
}

/// Takes what librdkafka has to say.
struct Reports(Arc<State>);

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        eprintln!("{level:?} {facility} {message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        eprintln!("{error}: {reason}");
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = usize; // the record's id

    fn delivery(&self, report: &DeliveryResult<'_>, id: usize) {
        let id = id as u64;
        self.0.answer(
            id,
            match report {
                // Without confirmation librdkafka counts offsets by itself, from -1001 in every batch.
                Ok(message) => Ok(Acked {
                    id,
                    partition: message.partition(),
                    offset: if self.0.confirmed {
                        message.offset().max(-1)
                    } else {
                        -1
                    },
                }),
                Err((error, message)) => Err(Failure {
                    fenced: self.0.transactional && errors::fenced(error),
                    ..errors::delivery(id, error, message)
                }),
            },
        );
    }
}

impl Producer {
    /// Connects. With a transactional id the producer has its producer id then.
    pub fn open(bootstrap: &[String], o: &Options, events: &Events) -> Result<Producer, Cannot> {
        let config = options::translate(bootstrap, o)?;
        let state = Arc::new(State {
            events: events.clone(),
            pending: Mutex::default(),
            answered: Condvar::new(),
            confirmed: o.acks != "0",
            transactional: !o.transactional_id.is_empty(),
        });
        let native = ThreadedProducer::from_config_and_context(&config, Reports(state.clone()))
            .map_err(|error| Cannot::Refused(error.to_string()))?; // it waits for no broker
        native
            .client()
            .fetch_metadata(None, OPEN_LIMIT)
            .map_err(|error| format!("no broker answers at {bootstrap:?}: {error}"))?;
        if state.transactional {
            native.init_transactions(OPEN_LIMIT).map_err(|error| {
                format!("take over transactional id {}: {error}", o.transactional_id)
            })?;
        }
        Ok(Producer {
            native,
            state,
            fatal: Once::new(),
        })
    }

    /// Hands one record over. While librdkafka's queue is full it waits: such a
    /// record has not entered it.
    pub fn send(&self, r: &Record) {
        self.state.pending.lock().unwrap().insert(r.id);
        let mut record = BaseRecord::with_opaque_to(&r.topic, r.id as usize)
            .partition(r.partition)
            .payload(&r.value);
        record.key = r.key.as_ref();
        loop {
            match self.native.send(record) {
                Ok(()) => return,
                Err((error, same))
                    if error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull) =>
                {
                    record = same;
                    thread::sleep(FULL_PAUSE);
                }
                // rd_kafka_producev has an error only for a message that it does not enqueue (rdkafka.h).
                Err((error, _)) => {
                    self.state.answer(
                        r.id,
                        Err(Failure {
                            appended: errors::NEVER,
                            ..self.state.failure(r.id, &error)
                        }),
                    );
                    return self.tell_fatal();
                }
            }
        }
    }

    pub fn flush(&self, id: u64) {
        match self.native.flush(Timeout::Never) {
            Ok(()) => {
                self.wait();
                self.state.events.add(Event::Flushed { id });
            }
            Err(error) => self.state.events.fail(self.state.failure(id, &error)),
        }
    }

    pub fn begin(&self, id: u64) {
        self.done(id, self.native.begin_transaction());
    }

    pub fn commit(&self, id: u64) {
        self.done(id, self.native.commit_transaction(Timeout::Never));
    }

    pub fn abort(&self, id: u64) {
        self.done(id, self.native.abort_transaction(Timeout::Never));
    }

    fn done(&self, id: u64, result: Result<(), KafkaError>) {
        match result {
            Ok(()) => {
                self.wait();
                self.state.events.add(Event::Done { id });
            }
            Err(error) => {
                self.state.events.fail(self.state.failure(id, &error));
                self.tell_fatal();
            }
        }
    }

    /// Says, once, that librdkafka can do nothing more, where that is so.
    fn tell_fatal(&self) {
        if let Some((code, message)) = self.native.client().fatal_error() {
            self.fatal.call_once(|| {
                self.state.events.add(Event::Fatal {
                    class: errors::name(code),
                    option: String::new(),
                    message,
                })
            });
        }
    }

    /// Waits until every record has its answer.
    fn wait(&self) {
        let pending = self.state.pending.lock().unwrap();
        drop(
            self.state
                .answered
                .wait_while(pending, |pending| !pending.is_empty())
                .unwrap(),
        );
    }

    /// Has librdkafka report at once what it still has.
    pub fn close(&self) {
        self.native.purge(PurgeConfig::default().queue().inflight());
        let pending = self.state.pending.lock().unwrap();
        let (pending, _) = self
            .state
            .answered
            .wait_timeout_while(pending, CLOSE_LIMIT, |pending| !pending.is_empty())
            .unwrap();
        let left: Vec<u64> = pending.iter().copied().collect();
        drop(pending);
        for id in left {
            self.state.answer(
                id,
                Err(Failure {
                    id,
                    class: "closed".into(),
                    message: "the producer was closed before librdkafka answered".into(),
                    ..Failure::default()
                }),
            );
        }
    }
}
