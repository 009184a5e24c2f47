//! The driver of rdkafka (rust-rdkafka, with the librdkafka that it bundles).
//! The protocol is described in clients/driver/PROTOCOL.md.

mod errors;
mod events;
mod options;
mod producer;
mod protocol;

use std::io::BufRead;
use std::process;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;

use events::Events;
use producer::{Cannot, Producer};
use protocol::{Command, Event};

/// How many commands are read ahead.
const AHEAD: usize = 64;

fn main() {
    let events = Events::start();
    let (ahead, commands) = mpsc::sync_channel(AHEAD);
    thread::spawn(move || listen(&ahead));
    match serve(&commands, &events) {
        Ok(()) => {
            events.add(Event::Closed);
            events.written();
            process::exit(0); // what librdkafka would wait for is of no use any more
        }
        Err(cannot) => {
            let (class, option, message) = match cannot {
                Cannot::Unsupported(option, message) => ("unsupported", option, message),
                Cannot::Refused(message) => ("refused", "", message),
                Cannot::Broken(message) => ("driver", "", message),
            };
            events.add(Event::Fatal {
                class: class.into(),
                option: option.into(),
                message: message.clone(),
            });
            events.written();
            abandon(&message);
        }
    }
}

/// Ends the process: it cannot do what it is there for.
pub fn abandon(why: &str) -> ! {
    eprintln!("{why}");
    process::exit(3);
}

/// Reads commands ahead, so that the end of the input is seen while a command is
/// carried out.
fn listen(commands: &SyncSender<Result<Command, String>>) {
    for line in std::io::stdin().lock().lines() {
        let command = line.map_err(|error| error.to_string()).and_then(|line| {
            serde_json::from_str(&line).map_err(|error| {
                format!("a line of standard input is no command of the protocol: {error}")
            })
        });
        let last = !matches!(command, Ok(ref command) if !matches!(command, Command::Close));
        if commands.send(command).is_err() || last {
            return;
        }
    }
    abandon("standard input ended without a close command: the harness is gone");
}

fn serve(commands: &Receiver<Result<Command, String>>, events: &Events) -> Result<(), Cannot> {
    let next = || {
        commands
            .recv()
            .map_err(|_| "no more commands".to_string())?
    };
    let Command::Open {
        protocol,
        bootstrap,
        options,
    } = next()?
    else {
        return Err("the first command is not open".into());
    };
    if !(1..=protocol::VERSION).contains(&protocol) {
        let why = format!(
            "the open asks for version {protocol} of the protocol: this driver speaks 1 to {}",
            protocol::VERSION
        );
        return Err(Cannot::Unsupported("protocol", why));
    }
    if protocol == 1 && (options.idempotence.is_none() || options.acks.is_empty()) {
        return Err("open lacks idempotence or acks, which may be left out from version 2 of the protocol on".into());
    }
    let producer = Producer::open(&bootstrap, &options, events)?;
    events.add(Event::Ready {
        protocol,
        library: "rdkafka",
        version: env!("RDKAFKA_VERSION"),
        order: options::order(&options),
        deadline_ms: options::deadline(&options),
        unmapped: options::unmapped(&options),
    });
    loop {
        match next()? {
            Command::Open { .. } => {
                return Err("a second open command: a driver has one producer".into())
            }
            Command::Send { records } => records.iter().for_each(|record| producer.send(record)),
            Command::Flush { id } => producer.flush(id),
            Command::Begin { id } => producer.begin(id),
            Command::Commit { id } => producer.commit(id),
            Command::Abort { id } => producer.abort(id),
            Command::Close => {
                producer.close();
                return Ok(());
            }
        }
    }
}
