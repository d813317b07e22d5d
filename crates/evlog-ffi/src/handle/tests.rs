use super::*;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

/// Counts how many there are.
struct Counted(Arc<AtomicUsize>, u64);

impl Held for Counted {
    const KIND: Kind = Kind::Batch;
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Other;

impl Held for Other {
    const KIND: Kind = Kind::Topic;
}

fn table_of_its_own() -> Table {
    Table { slots: boxcar::Vec::new(), free: Mutex::default(), generation: 0, _inherited: None }
}

fn counted(alive: &Arc<AtomicUsize>, value: u64) -> Counted {
    alive.fetch_add(1, Ordering::SeqCst);
    Counted(Arc::clone(alive), value)
}

#[test]
fn a_freed_handle_finds_nothing_though_its_slot_is_used_again() {
    let (table, alive) = (table_of_its_own(), Arc::default());
    let first = table.insert(counted(&alive, 1)).unwrap();
    assert_eq!(table.enter::<Counted>(first).unwrap().1, 1);
    table.release::<Counted>(first).unwrap();
    assert_eq!(alive.load(Ordering::SeqCst), 0);
    assert_eq!(table.release::<Counted>(first), Err(Refusal::Stale));

    let second = table.insert(counted(&alive, 2)).unwrap();
    assert_eq!(second.slot(), first.slot());
    assert!(matches!(table.enter::<Counted>(first), Err(Refusal::Stale)));
    assert_eq!(table.enter_alone::<Counted>(second).unwrap().1, 2);
}

#[test]
fn another_type_or_another_generation_finds_nothing() {
    let (table, alive) = (table_of_its_own(), Arc::default());
    let id = table.insert(counted(&alive, 1)).unwrap();
    assert!(matches!(table.enter::<Other>(id), Err(Refusal::Stale)));
    assert_eq!(table.release::<Other>(id), Err(Refusal::Stale));
    let child = Table { generation: 1, ..table_of_its_own() };
    child.insert(counted(&alive, 2)).unwrap();
    assert!(matches!(child.enter::<Counted>(id), Err(Refusal::Stale)));
    for number in [0, 1, u64::MAX, id.0 ^ 1 << 63, id.0 + 1] {
        assert!(matches!(table.enter::<Counted>(Id(number)), Err(Refusal::Stale)), "{number:#x}");
    }
}

#[test]
fn no_handle_is_an_address() {
    let table = table_of_its_own();
    let id = table.insert(Other).unwrap();
    assert!(id.0 > 1 << 52 && id.0 < 1 << 56, "{:#x}", id.0);
}

#[test]
fn one_alone_or_many_at_once() {
    let (table, alive) = (table_of_its_own(), Arc::default());
    let id = table.insert(counted(&alive, 1)).unwrap();
    let one = table.enter::<Counted>(id).unwrap();
    let two = table.enter::<Counted>(id).unwrap();
    assert!(matches!(table.enter_alone::<Counted>(id), Err(Refusal::Busy)));
    drop((one, two));
    let alone = table.enter_alone::<Counted>(id).unwrap();
    assert!(matches!(table.enter::<Counted>(id), Err(Refusal::Busy)));
    assert!(matches!(table.enter_alone::<Counted>(id), Err(Refusal::Busy)));
    drop(alone);
    assert!(table.enter::<Counted>(id).is_ok());
}

#[test]
fn what_is_freed_in_use_goes_with_its_last_use() {
    let (table, alive) = (table_of_its_own(), Arc::default());
    let id = table.insert(counted(&alive, 1)).unwrap();
    let (one, two) = (table.enter::<Counted>(id).unwrap(), table.enter::<Counted>(id).unwrap());
    table.release::<Counted>(id).unwrap();
    assert!(matches!(table.enter::<Counted>(id), Err(Refusal::Stale)));
    drop(one);
    assert_eq!((two.1, alive.load(Ordering::SeqCst)), (1, 1));
    drop(two);
    assert_eq!(alive.load(Ordering::SeqCst), 0);
}

#[test]
fn what_is_poisoned_can_only_be_freed() {
    let (table, alive) = (table_of_its_own(), Arc::default());
    let id = table.insert(counted(&alive, 1)).unwrap();
    table.poison::<Counted>(id);
    assert!(matches!(table.enter::<Counted>(id), Err(Refusal::Poisoned)));
    assert!(matches!(table.enter_alone::<Counted>(id), Err(Refusal::Poisoned)));
    table.release::<Counted>(id).unwrap();
    let next = table.insert(counted(&alive, 2)).unwrap();
    assert!(table.enter::<Counted>(next).is_ok());
    table.poison::<Counted>(id);
    assert!(table.enter::<Counted>(next).is_ok());
}

#[test]
fn a_slot_that_has_had_all_its_lives_is_not_used_again() {
    let (table, alive) = (table_of_its_own(), Arc::default());
    let id = table.insert(counted(&alive, 1)).unwrap();
    let slot = table.slots.get(id.slot()).unwrap();
    let last = Id::new(id.slot(), u32::MAX, Kind::Batch, 0);
    slot.state.store(last.identity() | LIVE, Ordering::Release);
    table.release::<Counted>(last).unwrap();
    assert_eq!((alive.load(Ordering::SeqCst), table.free.lock().len()), (0, 0));
    assert_ne!(table.insert(counted(&alive, 2)).unwrap().slot(), id.slot());
}

#[test]
fn threads_that_enter_and_free_at_once_lose_and_double_nothing() {
    let table = table_of_its_own();
    let alive: Arc<AtomicUsize> = Arc::default();
    for round in 0..2_000 {
        let id = table.insert(counted(&alive, round)).unwrap();
        let freed = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for number in 0..4 {
                let (table, freed) = (&table, &freed);
                scope.spawn(move || {
                    for _ in 0..20 {
                        if let Ok(object) = table.enter::<Counted>(id) {
                            assert_eq!(object.1, round);
                        }
                        if let Ok(mut object) = table.enter_alone::<Counted>(id) {
                            object.1 += 1;
                            object.1 -= 1;
                        }
                    }
                    if number % 2 == 0 {
                        freed.fetch_add(usize::from(table.release::<Counted>(id).is_ok()), Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!((freed.load(Ordering::SeqCst), alive.load(Ordering::SeqCst)), (1, 0));
    }
}
