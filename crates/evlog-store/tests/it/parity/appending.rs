//! Events are appended, one by one and in batches, and flushed.

use evlog_sim::{Crash, SimDisk};
use evlog_store::{Batch, Durability, Place};

use super::{batch, events, store, store_on, store_with, texts, unhurried};

#[test]
fn an_append_returns_before_anything_is_written() {
    let (_folder, store) = store_with(&unhurried());
    let topic = store.topic("a").unwrap();
    let ticket = topic.append("x").unwrap();
    assert_eq!(ticket.positions(), 0..1);
    assert_eq!(topic.range(), 0..0);
    topic.flush().unwrap();
    assert_eq!((topic.range(), topic.durable_end()), (0..1, 1));
}

#[test]
fn a_list_is_one_batch_and_one_sync() {
    let (_folder, store) = store();
    let topic = store.topic("a").unwrap();
    let texts: Vec<String> = (0..500).map(|number| format!("event {number}")).collect();
    let list: Vec<&str> = texts.iter().map(String::as_str).collect();
    assert_eq!(topic.append_batch(&batch(&list)).unwrap().wait().unwrap(), 0..500);
    let metrics = topic.metrics().unwrap();
    assert_eq!((metrics.append_batches, metrics.append_events, metrics.sync_nanos.count()), (1, 500, 1));
    assert_eq!(super::texts(&topic), texts);
}

#[test]
fn an_empty_list_takes_no_position_and_waits_for_nothing() {
    let (_folder, store) = store_with(&unhurried());
    let topic = store.topic("a").unwrap();
    assert_eq!(topic.append_batch(&Batch::new()).unwrap().wait().unwrap(), 0..0);
    topic.append("x").unwrap().wait().unwrap();
    assert_eq!(topic.append_batch(&Batch::new()).unwrap().wait().unwrap(), 1..1);
    assert_eq!(texts(&topic), ["x"]);
}

#[test]
fn single_events_and_lists_mixed_come_back_in_the_order_of_the_calls() {
    let (_folder, store) = store_with(&unhurried());
    let topic = store.topic("a").unwrap();
    let mut expected = Vec::new();
    for round in 0..100 {
        for part in 0..round % 4 {
            let text = format!("{round}: single {part}");
            let _ = topic.append(&text).unwrap();
            expected.push(text);
        }
        let list: Vec<String> = (0..round % 5).map(|part| format!("{round}: in a list {part}")).collect();
        let _ = topic.append_batch(&batch(&list.iter().map(String::as_str).collect::<Vec<_>>())).unwrap();
        expected.extend(list);
        if round % 7 == 0 {
            assert_eq!(topic.flush().unwrap(), expected.len() as u64);
        }
    }
    topic.flush().unwrap();
    assert_eq!(texts(&topic), expected);
    assert!(events(&topic, Place::Oldest).iter().map(|event| event.position).eq(0..expected.len() as u64));
}

#[test]
fn a_list_is_there_whole_or_not_at_all_after_a_crash() {
    let mut whole = 0;
    for seed in 0..60 {
        let disk = SimDisk::new(seed);
        let store = store_on(&disk, &unhurried()).unwrap();
        let topic = store.topic("a").unwrap();
        topic.append("before").unwrap().wait().unwrap();
        let event = "of several sectors, so that the list can be torn".repeat(8);
        let list = [event.as_str(); 5];
        let _ = topic.append_batch(&batch(&list)).unwrap().wait_for(Durability::Written).unwrap();
        let disk = disk.crash(Crash::Ordered(seed));
        let found = store_on(&disk, &unhurried()).unwrap().topic("a").unwrap().range();
        assert!(found == (0..1) || found == (0..6), "seed {seed}: {found:?}");
        whole += u32::from(found.end == 6);
    }
    assert!((1..60).contains(&whole), "both were to happen: {whole} of 60 were there");
}

#[test]
fn a_flush_makes_everything_accepted_before_it_durable() {
    let disk = SimDisk::new(1);
    let topic = store_on(&disk, &unhurried()).unwrap().topic("a").unwrap();
    for number in 0..50 {
        let _ = topic.append(format!("single {number}")).unwrap();
    }
    let _ = topic.append_batch(&batch(&["in", "a", "list"])).unwrap();
    assert_eq!(topic.flush().unwrap(), 53);
    let _ = topic.append("after the flush").unwrap().wait_for(Durability::Written).unwrap();
    let kept = store_on(&disk.crash(Crash::AllLost), &unhurried()).unwrap().topic("a").unwrap();
    assert_eq!(kept.range(), 0..53);
    assert_eq!(texts(&kept)[49..], ["single 49", "in", "a", "list"]);
}
