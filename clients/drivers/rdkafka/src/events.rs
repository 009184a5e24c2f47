//! Events on standard output, written by a thread of their own, so that no
//! delivery report waits for a harness that is slow to read.

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use crate::protocol::{Acked, Event, Failure};

/// How many answers a line holds at most.
const MOST_IN_LINE: usize = 500;

#[derive(Clone, Default)]
pub struct Events(Arc<(Mutex<Queue>, Condvar)>);

#[derive(Default)]
struct Queue {
    events: Vec<Event>,
    writing: bool,
}

impl Events {
    /// Starts the writer. It ends the process when nobody reads any more.
    pub fn start() -> Events {
        let events = Events::default();
        let writer = events.clone();
        thread::spawn(move || writer.write());
        events
    }

    pub fn add(&self, event: Event) {
        self.change(|queue| queue.push(event));
    }

    /// Answers that come together share a line; none waits for more.
    pub fn ack(&self, answer: Acked) {
        self.change(|queue| match queue.last_mut() {
            Some(Event::Ack { acks }) if acks.len() < MOST_IN_LINE => acks.push(answer),
            _ => queue.push(Event::Ack { acks: vec![answer] }),
        });
    }

    pub fn fail(&self, answer: Failure) {
        self.change(|queue| match queue.last_mut() {
            Some(Event::Error { errors }) if errors.len() < MOST_IN_LINE => errors.push(answer),
            _ => queue.push(Event::Error {
                errors: vec![answer],
            }),
        });
    }

    /// Waits until everything is written.
    pub fn written(&self) {
        let (queue, changed) = &*self.0;
        drop(
            changed
                .wait_while(queue.lock().unwrap(), |queue| {
                    queue.writing || !queue.events.is_empty()
                })
                .unwrap(),
        );
    }

    fn change(&self, how: impl FnOnce(&mut Vec<Event>)) {
        let (queue, changed) = &*self.0;
        how(&mut queue.lock().unwrap().events);
        changed.notify_all();
    }

    fn write(&self) {
        let (queue, changed) = &*self.0;
        loop {
            let some = {
                let mut queue = changed
                    .wait_while(queue.lock().unwrap(), |queue| queue.events.is_empty())
                    .unwrap();
                queue.writing = true;
                std::mem::take(&mut queue.events)
            };
            let mut lines = Vec::new();
            for event in &some {
                serde_json::to_writer(&mut lines, event).expect("an event can be written down");
                lines.push(b'\n');
            }
            // Not through Stdout, which would write line by line.
            let mut out = std::io::stdout().lock();
            if let Err(error) = out.write_all(&lines).and_then(|()| out.flush()) {
                crate::abandon(&format!("nobody reads the events: {error}"));
            }
            queue.lock().unwrap().writing = false;
            changed.notify_all();
        }
    }
}
