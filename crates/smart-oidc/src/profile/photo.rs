//! The picture of a person, small and of a kind that only a picture can be.

use core::fmt;

use smart_discovery::EndpointUrl;
use smart_jose::base64url;

use super::lenient::{Few, One};
use super::wire::Attachment;

/// Longer photos in a resource fall away, in octets once decoded.
pub const MAX_PHOTO_OCTETS: usize = 64 * 1024;

/// The kinds of pictures that are taken. SVG is none of them: it can hold scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ImageType {
    /// `image/gif`
    Gif,
    /// `image/jpeg`
    Jpeg,
    /// `image/png`
    Png,
    /// `image/webp`
    Webp,
}

/// A photo of the user.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Photo {
    /// A photo that the resource holds.
    Inline {
        /// What it is, by its octets: what a server declares can be wrong.
        image_type: ImageType,
        /// The file, of at most 64 KiB.
        data: Vec<u8>,
    },
    /// A photo that lies elsewhere. It is never fetched here: the place is the server's choice,
    /// and so is who learns that somebody looks. A browser that is given it must not send a
    /// referer.
    Url(EndpointUrl),
}

impl ImageType {
    /// The media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Gif => "image/gif",
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
        }
    }

    /// What a file is by its first octets.
    fn of(data: &[u8]) -> Option<Self> {
        match data {
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => Some(Self::Webp),
            _ => None,
        }
    }

    fn of_media_type(text: &str) -> Option<Self> {
        [Self::Gif, Self::Jpeg, Self::Png, Self::Webp]
            .into_iter()
            .find(|it| it.media_type().eq_ignore_ascii_case(text.trim()))
    }
}

/// The first photo that is fit to be shown; one in the resource before one elsewhere.
pub(super) fn photo(wire: &Few<One<Attachment>>) -> Option<Photo> {
    let inline = wire.objects().find_map(|it| {
        let data = decode(it.data.value()?)?;
        let image_type = ImageType::of(&data)?;
        Some(Photo::Inline { image_type, data })
    });
    let linked = || {
        wire.objects().find_map(|it| {
            let declared = it.content_type.value();
            if declared.is_some_and(|it| ImageType::of_media_type(it).is_none()) {
                return None;
            }
            EndpointUrl::parse(it.url.value()?).ok().map(Photo::Url)
        })
    };
    inline.or_else(linked)
}

/// Base64 with padding, in lines or not (FHIR R4 Data Types, base64Binary).
fn decode(text: &str) -> Option<Vec<u8>> {
    // Four characters for three octets, as long as nothing but white space is added.
    let is_too_long = |it: &str| it.len() > MAX_PHOTO_OCTETS.div_ceil(3) * 4;
    let mut url_safe = String::new();
    for c in text.chars().filter(|it| !it.is_ascii_whitespace()) {
        url_safe.push(match c {
            '+' => '-',
            '/' => '_',
            // The other alphabet is another encoding.
            '-' | '_' => return None,
            c => c,
        });
        if is_too_long(&url_safe) {
            return None;
        }
    }
    let bare = url_safe.trim_end_matches('=');
    if !url_safe.len().is_multiple_of(4) || url_safe.len() - bare.len() > 2 {
        return None;
    }
    let data = base64url::decode(bare).ok()?;
    (data.len() <= MAX_PHOTO_OCTETS).then_some(data)
}

impl fmt::Debug for Photo {
    /// Shows what it is: the picture, and a URL that may name a person, are not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline { image_type, data } => {
                write!(
                    f,
                    "Photo({}, {} octets)",
                    image_type.media_type(),
                    data.len()
                )
            }
            Self::Url(_) => f.write_str("Photo(url)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Standard base64, by the encoder for the other alphabet.
    fn encoded(data: &[u8]) -> String {
        let bare = base64url::encode(data).replace('-', "+").replace('_', "/");
        let padding = (4 - bare.len() % 4) % 4;
        bare + &"=".repeat(padding)
    }

    fn read(json: &str) -> Option<Photo> {
        photo(&serde_json::from_str(json).unwrap())
    }

    fn inline(data: &[u8]) -> Option<Photo> {
        let data = encoded(data);
        read(&format!(
            r#"[{{"contentType":"image/png","data":"{data}"}}]"#
        ))
    }

    #[test]
    fn the_octets_say_what_a_photo_is() {
        for (data, expected) in [
            (b"GIF89a..".as_slice(), ImageType::Gif),
            (b"\xff\xd8\xff\xe0.", ImageType::Jpeg),
            (b"\x89PNG\r\n\x1a\n....", ImageType::Png),
            (b"RIFF....WEBPVP8 ", ImageType::Webp),
        ] {
            let Some(Photo::Inline {
                image_type,
                data: found,
            }) = inline(data)
            else {
                panic!("{data:?}");
            };
            assert_eq!((image_type, found.as_slice()), (expected, data));
        }
        for data in [
            b"<svg xmlns='http://www.w3.org/2000/svg'/>".as_slice(),
            b"<html>",
            b"GIF88a",
            b"\x89PNG",
            b"RIFF....WAVE",
            b"",
        ] {
            assert_eq!(inline(data), None, "{data:?}");
        }
    }

    #[test]
    fn a_photo_is_bounded() {
        let mut data = b"GIF89a".to_vec();
        data.resize(MAX_PHOTO_OCTETS, 7);
        assert!(inline(&data).is_some());
        data.push(7);
        assert_eq!(inline(&data), None);
        data.resize(MAX_PHOTO_OCTETS * 4, 7);
        assert_eq!(inline(&data), None);
    }

    #[test]
    fn base64_is_of_the_standard_alphabet_and_may_stand_in_lines() {
        let lines = |text: &str| read(&format!(r#"{{"data":"{text}"}}"#)).is_some();
        // GIF89a, then octets that need both special characters.
        let text = encoded(b"GIF89a\xfb\xff\xbf\xfe");
        assert!(text.contains('+') && text.contains('/'));
        assert!(lines(&text));
        assert!(lines(&format!(" {}\\r\\n{}", &text[..4], &text[4..])));
        assert!(!lines(&text.replace('+', "-")));
        assert!(!lines(text.trim_end_matches('=')));
        assert!(!lines(&format!("{text}====")));
        assert!(!lines("R0lG!!!!"));
    }

    #[test]
    fn a_photo_elsewhere_is_an_https_url_and_no_more() {
        let linked = |kind: &str, url: &str| match read(&format!(r#"[7,{{{kind}"url":"{url}"}}]"#))
        {
            Some(Photo::Url(url)) => Some(url.as_str().to_owned()),
            _ => None,
        };
        let url = "https://pictures.example/ada.png?size=1";
        assert_eq!(linked("", url).as_deref(), Some(url));
        assert_eq!(
            linked(r#""contentType":"IMAGE/PNG","#, url).as_deref(),
            Some(url)
        );
        assert_eq!(linked(r#""contentType":"image/svg+xml","#, url), None);
        assert_eq!(linked(r#""contentType":"text/html","#, url), None);
        for url in [
            "http://pictures.example/ada.png",
            "javascript:alert(1)",
            "data:image/png;base64,AAAA",
            "//pictures.example/ada.png",
            "Binary/f006",
            "https://u:p@pictures.example/",
            "file:///etc/passwd",
        ] {
            assert_eq!(linked("", url), None, "{url}");
        }
    }

    #[test]
    fn what_is_inline_comes_before_what_is_elsewhere() {
        let data = encoded(b"GIF89a..");
        let json = format!(r#"[{{"url":"https://a.example/b"}},{{"data":"{data}"}}]"#);
        let photo = read(&json).unwrap();
        assert_eq!(format!("{photo:?}"), "Photo(image/gif, 8 octets)");
        let url = read(r#"{"url":"https://a.example/ada"}"#).unwrap();
        assert_eq!(format!("{url:?}"), "Photo(url)");
    }
}
