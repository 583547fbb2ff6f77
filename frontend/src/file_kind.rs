//! What a file is, as far as its name tells. Pure.

/// The media type of an image that browsers show, by the file's name.
pub(crate) fn image_type(name: &str) -> Option<&'static str> {
    let (_, extension) = name.rsplit_once('.')?;
    Some(match extension.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "svg" => "image/svg+xml",
        "ico" => "image/x-icon",
        "avif" => "image/avif",
        "bmp" => "image/bmp",
        _ => return None,
    })
}

/// Whether an image is text as well, and can be edited as such.
pub(crate) fn is_text_image(name: &str) -> bool {
    image_type(name) == Some("image/svg+xml")
}
