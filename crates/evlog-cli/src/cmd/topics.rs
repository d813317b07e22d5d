//! `evlog topics`: lists the topics.

use serde::Serialize;

use crate::cmd::Context;
use crate::exit::{Exit, Failure};
use crate::json;
use crate::output::Output;

#[derive(Serialize)]
struct TopicLine<'a> {
    topic: &'a str,
}

pub(crate) fn run(context: &Context) -> Result<Exit, Failure> {
    let mut output = Output::standard()?;
    for topic in context.store.topics()? {
        if context.is_json {
            json::write_line(output.buffer(), &TopicLine { topic: topic.as_str() });
        } else {
            output.buffer().extend_from_slice(topic.as_str().as_bytes());
            output.buffer().push(b'\n');
        }
    }
    output.flush()?;
    Ok(Exit::Done)
}
