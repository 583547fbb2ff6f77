//! Writes encoded updates by hand, so that tests can say what no replica would.

/// What a block holds.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    Text(String),
    Deleted(u32),
    Collected(u32),
    Skipped(u32),
    /// Any other kind of content, with whatever bytes.
    Other(u8, Vec<u8>),
}

impl Content {
    fn units(&self) -> u32 {
        match self {
            Self::Text(text) => text.encode_utf16().count() as u32,
            Self::Deleted(units) | Self::Collected(units) | Self::Skipped(units) => *units,
            Self::Other(..) => 1,
        }
    }
}

/// A block of an update.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) left: Option<(u64, u32)>,
    pub(crate) right: Option<(u64, u32)>,
    pub(crate) content: Content,
}

/// An update: blocks by client from a clock on, and deleted ranges (clock, units) by client.
#[derive(Debug, Clone)]
pub(crate) struct EncodedUpdate {
    pub(crate) sections: Vec<(u64, u32, Vec<Block>)>,
    pub(crate) deletions: Vec<(u64, Vec<(u32, u32)>)>,
}

impl EncodedUpdate {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut output = Vec::new();
        varint(&mut output, self.sections.len() as u64);
        for (client, clock, blocks) in &self.sections {
            varint(&mut output, blocks.len() as u64);
            id(&mut output, (*client, *clock));
            blocks.iter().for_each(|block| write_block(&mut output, block));
        }
        varint(&mut output, self.deletions.len() as u64);
        for (client, ranges) in &self.deletions {
            varint(&mut output, *client);
            varint(&mut output, ranges.len() as u64);
            for (clock, units) in ranges {
                varint(&mut output, u64::from(*clock));
                varint(&mut output, u64::from(*units));
            }
        }
        output
    }
}

fn write_block(output: &mut Vec<u8>, block: &Block) {
    let kind = match &block.content {
        Content::Collected(_) => 0,
        Content::Skipped(_) => 10,
        Content::Deleted(_) => 1,
        Content::Text(_) => 4,
        Content::Other(kind, _) => *kind,
    };
    if let Content::Collected(units) | Content::Skipped(units) = &block.content {
        output.push(kind);
        return varint(output, u64::from(*units));
    }
    let flags = if block.left.is_some() { 0x80 } else { 0 } | if block.right.is_some() { 0x40 } else { 0 };
    output.push(kind | flags);
    block.left.into_iter().chain(block.right).for_each(|origin| id(output, origin));
    if flags == 0 {
        output.extend([1, 4]);
        output.extend(b"text");
    }
    match &block.content {
        Content::Text(text) => {
            varint(output, text.len() as u64);
            output.extend(text.as_bytes());
        }
        Content::Other(_, bytes) => output.extend(bytes),
        Content::Deleted(_) | Content::Collected(_) | Content::Skipped(_) => {
            varint(output, u64::from(block.content.units()));
        }
    }
}

pub(crate) fn id(output: &mut Vec<u8>, (client, clock): (u64, u32)) {
    varint(output, client);
    varint(output, u64::from(clock));
}

pub(crate) fn varint(output: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        output.push(value as u8 | 0x80);
        value >>= 7;
    }
    output.push(value as u8);
}
