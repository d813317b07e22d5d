//! Typed payloads: what is archived comes back, and nothing else is taken for it.

use evlog_store::schema::{self, MAX_DEPTH, Schema, SchemaError, SchemaTag, Scratch, TagError};
use proptest::prelude::*;
use rkyv::rancor::Source;
use rkyv::ser::{Allocator, Writer};
use rkyv::util::AlignedVec;
use rkyv::validation::ArchiveContext;
use rkyv::{Archive, Deserialize, Serialize};
use std::error::Error;

#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[rkyv(derive(Debug))]
pub(crate) struct Order {
    pub(crate) number: u64,
    pub(crate) customer: String,
    pub(crate) lines: Vec<Line>,
    pub(crate) discount: Option<i32>,
}

#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[rkyv(derive(Debug))]
pub(crate) struct Line {
    article: String,
    count: u16,
    cents: i64,
}

impl Schema for Order {
    const NAME: &'static str = "shop.Order";
    const VERSION: u32 = 3;
}

/// A type whose archive wants an alignment of sixteen.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, PartialEq)]
pub(crate) struct Wide(pub(crate) u128);

impl Schema for Wide {
    const NAME: &'static str = "test.Wide";
    const VERSION: u32 = 1;
}

/// A type whose archive is a single byte.
#[derive(Archive, Serialize)]
struct Small(u8);

impl Schema for Small {
    const NAME: &'static str = "test.Small";
    const VERSION: u32 = 1;
}

/// A type that nests itself and does not bound its depth.
#[derive(Archive, Serialize, Deserialize, Debug)]
#[rkyv(
    serialize_bounds(__S: Writer + Allocator, __S::Error: Source),
    deserialize_bounds(__D::Error: Source),
    bytecheck(bounds(__C: ArchiveContext, __C::Error: Source)),
)]
pub(crate) struct Nest(#[rkyv(omit_bounds)] pub(crate) Vec<Nest>);

impl Schema for Nest {
    const NAME: &'static str = "test.Nest";
    const VERSION: u32 = 1;
}

/// So many lists in each other, the root being the first.
pub(crate) fn nest(depth: usize) -> Nest {
    (1..depth).fold(Nest(Vec::new()), |inner, _| Nest(vec![inner]))
}

pub(crate) fn order() -> Order {
    Order {
        number: 4_711,
        customer: "Ada Lovelace".into(),
        lines: vec![
            Line { article: "gear".into(), count: 2, cents: 1_999 },
            Line { article: "punched card, blank".into(), count: 1_000, cents: -5 },
        ],
        discount: Some(-10),
    }
}

fn encoded<T: Schema>(value: &T) -> AlignedVec {
    let mut bytes = AlignedVec::new();
    bytes.extend_from_slice(schema::encode(value, &mut Scratch::default()).expect("encodes"));
    bytes
}

#[test]
fn what_is_encoded_comes_back() {
    let payload = encoded(&order());
    let mut scratch = Scratch::default();
    assert_eq!(schema::decode::<Order>(&payload, &mut scratch).expect("decodes"), order());
    let archived = schema::access::<Order>(&payload, &mut scratch).expect("is sound");
    assert_eq!(archived.lines[1].article.as_str(), "punched card, blank");
    assert_eq!(archived.discount.as_ref().map(|cents| cents.to_native()), Some(-10));
}

#[test]
fn an_aligned_payload_is_read_where_it_lies() {
    let payload = encoded(&order());
    let mut scratch = Scratch::default();
    let archived = std::ptr::from_ref(schema::access::<Order>(&payload, &mut scratch).expect("is sound"));
    assert!(payload.as_ptr_range().contains(&archived.cast()));
}

#[test]
fn a_payload_may_lie_anywhere() {
    let (order_bytes, wide_bytes) = (encoded(&order()), encoded(&Wide(u128::MAX - 7)));
    let mut scratch = Scratch::default();
    for shift in 0..32 {
        let shifted = |bytes: &[u8]| {
            let mut room = AlignedVec::<16>::new();
            room.resize(shift, 0xff);
            room.extend_from_slice(bytes);
            room
        };
        // What the room held before is no part of the next payload.
        assert_eq!(schema::encode(&Small(9), &mut scratch).expect("encodes"), [9]);
        let bytes = shifted(&order_bytes);
        assert_eq!(
            schema::decode::<Order>(&bytes[shift..], &mut scratch).expect("decodes"),
            order(),
            "{shift}"
        );
        let bytes = shifted(&wide_bytes);
        assert_eq!(
            schema::decode::<Wide>(&bytes[shift..], &mut scratch).expect("decodes"),
            Wide(u128::MAX - 7),
            "{shift}"
        );
    }
}

#[test]
fn other_bytes_are_refused_and_named() {
    let mut scratch = Scratch::default();
    for bytes in [&[][..], &[0; 7], &[0xff; 64], &encoded(&Wide(1))[..8]] {
        let error = schema::access::<Order>(bytes, &mut scratch).expect_err("no order");
        assert_eq!(error.to_string(), "the payload is no shop.Order of version 3");
        assert!(error.source().is_some(), "the check's own finding is kept");
    }
}

#[test]
fn every_cut_payload_is_refused() {
    let payload = encoded(&order());
    let mut scratch = Scratch::default();
    for length in 0..payload.len() {
        // The root stands at the end, so a cut takes other bytes for it.
        assert!(schema::access::<Order>(&payload[..length], &mut scratch).is_err(), "cut to {length}");
    }
}

#[test]
fn what_could_not_be_read_back_is_not_encoded() {
    let mut scratch = Scratch::default();
    // The root's own push, and one for each list in it, stay below the limit.
    assert!(schema::encode(&nest(MAX_DEPTH - 2), &mut scratch).is_ok());
    let error = schema::encode(&nest(MAX_DEPTH - 1), &mut scratch).expect_err("too deep");
    assert!(matches!(error, SchemaError::Unreadable { name: "test.Nest", .. }), "{error}");
    // The failure leaves nothing behind.
    assert_eq!(schema::encode(&Wide(1), &mut scratch).expect("encodes"), &encoded(&Wide(1))[..]);
}

#[test]
fn a_bomb_of_depth_is_an_error() {
    let mut scratch = Scratch::default();
    let bomb = nest_bomb(200_000);
    assert!(matches!(schema::access::<Nest>(&bomb, &mut scratch), Err(SchemaError::Invalid { .. })));
    // The same bytes, a little less of them, are sound: the depth alone is refused.
    assert!(schema::access::<Nest>(&nest_bomb(MAX_DEPTH - 2), &mut scratch).is_ok());
    assert_eq!(nest_bomb(MAX_DEPTH - 2)[..], encoded(&nest(MAX_DEPTH - 2))[..]);
}

/// Archived lists in each other: each is eight bytes, a distance to its elements and their number.
pub(crate) fn nest_bomb(depth: usize) -> AlignedVec {
    let mut bytes = AlignedVec::new();
    bytes.extend_from_slice(&0_i32.to_le_bytes());
    bytes.extend_from_slice(&0_u32.to_le_bytes());
    for _ in 1..depth {
        bytes.extend_from_slice(&(-8_i32).to_le_bytes());
        bytes.extend_from_slice(&1_u32.to_le_bytes());
    }
    bytes
}

#[test]
fn a_tag_names_the_type_and_its_shape() {
    let tag = SchemaTag::of::<Order>();
    assert_eq!((tag.name(), tag.version()), ("shop.Order", 3));
    assert_eq!(tag.to_string(), "shop.Order version 3 (32 bytes, aligned to 8)");
    assert!(tag.expect::<Order>().is_ok());
    let error = tag.expect::<Wide>().expect_err("another type");
    assert_eq!(
        error.to_string(),
        "the topic holds shop.Order version 3 (32 bytes, aligned to 8), but test.Wide version 1 (16 bytes, aligned \
         to 16) was asked for; read it as what it holds"
    );
}

/// `Order` under its own name and version, with another root, as after a careless change.
#[derive(Archive, Serialize)]
struct Changed(u64);

impl Schema for Changed {
    const NAME: &'static str = Order::NAME;
    const VERSION: u32 = Order::VERSION;
}

#[derive(Archive, Serialize)]
struct Newer(u64);

impl Schema for Newer {
    const NAME: &'static str = Order::NAME;
    const VERSION: u32 = Order::VERSION + 1;
}

#[test]
fn a_change_of_shape_or_version_shows() {
    let (changed, newer) = (SchemaTag::of::<Changed>(), SchemaTag::of::<Newer>());
    assert!(matches!(changed.expect::<Order>(), Err(SchemaError::Mismatch { .. })));
    assert!(matches!(newer.expect::<Changed>(), Err(SchemaError::Mismatch { .. })));
    let numbers = [changed.number(), newer.number(), SchemaTag::of::<Order>().number()];
    assert!(numbers[0] != numbers[1] && numbers[1] != numbers[2] && numbers[0] != numbers[2]);
    assert!(!numbers.contains(&0));
}

#[test]
fn every_flipped_bit_and_every_cut_of_a_tag_is_found() {
    let tag = SchemaTag::of::<Order>();
    let bytes = tag.to_bytes();
    assert_eq!(SchemaTag::from_bytes(&bytes), Ok(tag));
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(SchemaTag::from_bytes(&flipped).is_err(), "bit {bit}");
    }
    for length in 0..bytes.len() {
        assert!(SchemaTag::from_bytes(&bytes[..length]).is_err(), "cut to {length}");
    }
    assert_eq!(SchemaTag::from_bytes(b"EVST"), Err(TagError::Length(4)));
    assert_eq!(SchemaTag::from_bytes(&[0; 40]), Err(TagError::Magic));
    assert_eq!(SchemaTag::from_bytes(&[&bytes[..], &[0]].concat()), Err(TagError::Checksum));
}

proptest! {
    #[test]
    fn any_bytes_are_an_order_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut scratch = Scratch::default();
        if let Ok(order) = schema::decode::<Order>(&bytes, &mut scratch) {
            // What passes is a value like any other.
            let again = schema::encode(&order, &mut scratch).expect("encodes").to_vec();
            prop_assert_eq!(schema::decode::<Order>(&again, &mut scratch).expect("decodes"), order);
        }
    }

    #[test]
    fn a_changed_payload_is_an_order_or_an_error(at in any::<prop::sample::Index>(), bit in 0..8) {
        let mut bytes = encoded(&order());
        let at = at.index(bytes.len());
        bytes[at] ^= 1_u8 << bit;
        let mut scratch = Scratch::default();
        if let Ok(order) = schema::decode::<Order>(&bytes, &mut scratch) {
            let again = schema::encode(&order, &mut scratch).expect("encodes").to_vec();
            prop_assert_eq!(schema::decode::<Order>(&again, &mut scratch).expect("decodes"), order);
        }
    }
}
