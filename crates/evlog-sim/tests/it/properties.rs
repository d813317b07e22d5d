//! Whatever is done to a log in whatever order, and wherever it is ended, it is the log of the model.

use evlog_core::Options;
use evlog_sim::{Course, Crash, Death, Depth, Ended, Model, Op, Session, SimDisk};
use proptest::prelude::*;

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (1_u16..40, 0_u32..3_000).prop_map(|(count, size)| Op::Append(count, size)),
        1 => (2_u16..6, 0_u32..300).prop_map(|(count, size)| Op::Group(count, size)),
        1 => Just(Op::Embed),
        4 => Just(Op::Sync),
        1 => Just(Op::Roll),
        1 => Just(Op::Mark),
        1 => Just(Op::Trim),
        2 => Just(Op::Reopen),
        1 => Just(Op::Read),
        1 => Just(Op::Look),
    ]
}

/// One life of the log: what is done, after how many changes of the disk it ends, and what the power does then.
#[derive(Clone, Debug)]
struct Life {
    ops: Vec<Op>,
    death: Option<u64>,
    crash: Option<Crash>,
}

fn life() -> impl Strategy<Value = Life> {
    let crash = prop_oneof![
        Just(Crash::AllLost),
        Just(Crash::AllKept),
        (0_usize..40).prop_map(Crash::Prefix),
        (0_usize..40).prop_map(Crash::AllButOne),
        any::<u64>().prop_map(Crash::Adversarial),
        any::<u64>().prop_map(Crash::Tearing),
    ];
    let ops = prop::collection::vec(op(), 0..25);
    (ops, prop::option::of(0_u64..60), prop::option::of(crash)).prop_map(|(ops, death, crash)| Life {
        ops,
        death,
        crash,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_log_is_its_model(lives in prop::collection::vec(life(), 1..5), segment_bytes in 8_u64..64) {
        let mut options = Options::new();
        options.segment_bytes(segment_bytes << 10);
        let (mut disk, mut model, mut serial, mut ended) = (SimDisk::new(1), Model::new(), 0, Ended::Process);
        for Life { ops, death, crash } in lives {
            let mut session = Session::new(disk, model, options.clone(), serial);
            if let Some(change) = death {
                session.disk.die(Death::Before(session.disk.changes() + change));
            }
            let mut course = session.open(ended, Depth::Full)?;
            for op in ops {
                if course == Course::On {
                    course = session.perform(op)?;
                }
            }
            session.kill();
            disk = crash.map_or_else(|| session.disk.copy(2), |crash| session.disk.crash(crash));
            ended = if crash.is_some() || session.is_unsettled() { Ended::Power } else { Ended::Process };
            (model, serial) = (session.model.clone(), session.serial());
        }
        let mut session = Session::new(disk, model, options, serial);
        prop_assert_eq!(session.open(ended, Depth::Full)?, Course::On);
        session.close()?;
    }
}
