//! Updates that would blow up memory or delete what is not there, said by hand to a real agent: refused with a code, and
//! whoever else has the document goes on.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

use parlor_shared::fault::FaultCode;
use parlor_shared::id::RequestId;
use parlor_shared::lane::Lane;
use parlor_shared::message::{DocumentToGuest, DocumentToHost, ToGuest, ToHost};
use parlor_shared::path::WorkspacePath;
use parlor_shared::role::Role;

mod common;

use common::TestAgent;
use common::raw::RawGuest;

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// An update as it is on the wire: what its bytes claim to hold, and the bytes.
fn update(document: u32, claims: u64, bytes: &[u8]) -> Vec<u8> {
    let head = [&[1, 1][..], &varint(document.into()), &[0, 1], &varint(claims)].concat();
    [&head[..], &varint(bytes.len() as u64), bytes].concat()
}

/// An LZ4 block of this many zeros, a multiple of 255 and a bit more.
fn zeros(length: usize) -> (u64, Vec<u8>) {
    // One literal, then a match one byte back whose length goes on and on, then five literals as every block ends.
    let more = length / 255;
    let mut block = vec![0x1f, 0, 1, 0];
    block.extend(std::iter::repeat_n(255, more));
    block.extend([0, 0x50, 0, 0, 0, 0, 0]);
    ((1 + 4 + 15 + more * 255 + 5) as u64, block)
}

#[tokio::test]
async fn bombs_and_wild_deletions_are_refused_and_others_type_on() {
    let agent = TestAgent::start().await;
    agent.write("a.txt", "text\n");
    let mut ann = agent.join(Role::Editor, "Ann").await;
    let document = ann.open("a.txt").await;
    let mut expected = "text\n".to_owned();
    let (claim, bomb) = zeros(40 * 1024 * 1024);
    let (_, beyond) = zeros(64 * 1024 * 1024);
    let much = varint(u64::from(i32::MAX as u32));
    let ranges: Vec<u8> = (0..5000u64).flat_map(|at| [varint(at * 2 + 10), varint(1)].concat()).collect();
    let cases: Vec<(&str, u64, Vec<u8>, FaultCode)> = vec![
        ("a block that claims four gigabytes", u64::from(u32::MAX), vec![0; 64], FaultCode::TooLarge),
        ("a block that claims more than a block can hold", 40 << 20, vec![0; 64], FaultCode::InvalidUpdate),
        ("forty megabytes of nothing", claim, bomb, FaultCode::InvalidUpdate),
        ("a block larger than anything", 64 << 20, beyond, FaultCode::TooLarge),
        ("no block", 900, vec![0xff; 400], FaultCode::InvalidUpdate),
        ("deleting two billion units", 0, [&[0, 1, 1, 1, 0][..], &much].concat(), FaultCode::InvalidUpdate),
        (
            "deleting five thousand ranges that are not there",
            0,
            [&[0, 1, 1][..], &varint(5000), &ranges].concat(),
            FaultCode::InvalidUpdate,
        ),
        (
            "a thousand million blocks",
            0,
            [&[1][..], &much, &[17, 0], &[0; 64]].concat(),
            FaultCode::InvalidUpdate,
        ),
    ];
    for (what, claims, bytes, code) in cases {
        let (mut mallory, _) = RawGuest::join(agent.address, &agent.invite(Role::Editor), "Mallory").await;
        let path = WorkspacePath::parse("a.txt").unwrap();
        let open = DocumentToHost::Open { request: RequestId(1), path, known: None };
        mallory.say(&ToHost::Document(open)).await;
        let is_open = |message: &ToGuest| match message {
            ToGuest::Document(DocumentToGuest::State { .. }) => Some(()),
            _ => None,
        };
        mallory.expect("the text", is_open).await;
        mallory.say_bytes(Lane::Document, update(document.0, claims, &bytes)).await;
        let refused = |message: &ToGuest| match message {
            ToGuest::Document(DocumentToGuest::Refused { fault, .. }) => Some(fault.code),
            _ => None,
        };
        assert_eq!(mallory.expect(what, refused).await, code, "{what}");
        ann.append(document, "and on\n");
        expected.push_str("and on\n");
    }
    ann.wait_sync(document, &parlor_shared::client::SyncState::Saved).await;
    assert_eq!(agent.read("a.txt"), expected);
    agent.still_serves().await;
    agent.end().await;
}
