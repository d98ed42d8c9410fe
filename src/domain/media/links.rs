//! Texts that name other files of the same version: lists of a ladder, the map of the sheet. To a player that came with a
//! signed URL each name is told with the signature, since a player asks for them by itself.

/// Does `file` name others?
pub(super) fn has(file: &str) -> bool {
    file.ends_with(".m3u8") || file.ends_with(".vtt")
}

/// The text of `file` with `query` (without its `?`) behind every name.
pub(super) fn signed(file: &str, text: &str, query: &str) -> String {
    let sign = if file.ends_with(".m3u8") { playlist } else { map };
    let mut out = String::with_capacity(text.len() * 3);
    for line in text.lines() {
        out += &sign(line, query);
        out.push('\n');
    }
    out
}

/// A line of a playlist: a name, or a tag that may hold one.
fn playlist(line: &str, query: &str) -> String {
    if line.is_empty() {
        return String::new();
    }
    if !line.starts_with('#') {
        return format!("{line}?{query}");
    }
    match line.split_once("URI=\"").and_then(|(before, rest)| Some((before, rest.split_once('"')?))) {
        Some((before, (name, after))) => format!("{before}URI=\"{name}?{query}\"{after}"),
        None => line.to_owned(),
    }
}

/// A line of the map: `sprite.jpg#xywh=…`, a time, or nothing.
fn map(line: &str, query: &str) -> String {
    match line.split_once("#xywh=") {
        Some((name, part)) => format!("{name}?{query}#xywh={part}"),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_carries_the_signature() {
        let list = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,URI=\"audio.m3u8\"\n#EXT-X-MAP:URI=\"v1.mp4\",BYTERANGE=\"8@0\"\n\
                    #EXTINF:4.0,\nv1.mp4\n\n";
        assert_eq!(
            signed("hls/v1.m3u8", list, "u=1&s=x"),
            "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,URI=\"audio.m3u8?u=1&s=x\"\n\
             #EXT-X-MAP:URI=\"v1.mp4?u=1&s=x\",BYTERANGE=\"8@0\"\n#EXTINF:4.0,\nv1.mp4?u=1&s=x\n\n"
        );
        let map = "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nsprite.jpg#xywh=0,0,160,90\n";
        assert!(signed("sprite.vtt", map, "u=1").ends_with("\nsprite.jpg?u=1#xywh=0,0,160,90\n"));
        assert!(has("hls/v1.m3u8") && has("sprite.vtt") && !has("waveform.json") && !has("hls/v1.mp4"));
    }
}
