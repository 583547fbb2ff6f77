//! Messages of both vocabularies: what decodes is the same after encoding it again, and packed bytes keep to their cap.

#![no_main]

use libfuzzer_sys::fuzz_target;
use parlor_shared::codec::{self, Decoded};
use parlor_shared::limits::MAX_DOCUMENT_MESSAGE_BYTES;
use parlor_shared::message::{DocumentToGuest, DocumentToHost, Packed, ToGuest, ToHost};

fn unpack(packed: &Packed) {
    if let Ok(bytes) = packed.unpack() {
        assert!(bytes.len() <= MAX_DOCUMENT_MESSAGE_BYTES);
    }
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(Decoded::Known(message)) = codec::decode::<ToHost>(bytes) {
        let again = codec::decode::<ToHost>(&codec::encode(&message));
        assert_eq!(again, Ok(Decoded::Known(message.clone())));
        if let ToHost::Document(DocumentToHost::Update { update, .. }) = &message {
            unpack(update);
        }
    }
    if let Ok(Decoded::Known(message)) = codec::decode::<ToGuest>(bytes) {
        let again = codec::decode::<ToGuest>(&codec::encode(&message));
        assert_eq!(again, Ok(Decoded::Known(message.clone())));
        if let ToGuest::Document(DocumentToGuest::State { update, .. } | DocumentToGuest::Update { update, .. }) =
            &message
        {
            unpack(update);
        }
    }
});
