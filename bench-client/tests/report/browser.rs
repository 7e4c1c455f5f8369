//! A page of a run in a real browser: what it draws is there, in the colours of the style sheet.
//!
//! Where `chromium` is not installed the tests say so and are done.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use locker_bench::report::html;

use crate::example::Example;

/// A screenshot: three bytes per pixel, row by row.
struct Picture {
    width: usize,
    pixels: Vec<[u8; 3]>,
}

/// Where a plot is, in pixels from the top left corner.
#[derive(Clone, Copy, Debug)]
struct Area {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
}

impl Picture {
    fn read(path: &Path) -> Self {
        let file = std::io::BufReader::new(File::open(path).unwrap());
        let mut reader = png::Decoder::new(file).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        assert_eq!(info.bit_depth, png::BitDepth::Eight);
        let step = match info.color_type {
            png::ColorType::Rgb => 3,
            png::ColorType::Rgba => 4,
            other => panic!("a screenshot of {other:?}"),
        };
        let pixels = bytes[..info.buffer_size()].chunks_exact(step);
        Self {
            width: usize::try_from(info.width).unwrap(),
            pixels: pixels.map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect(),
        }
    }

    /// Pixels of this very colour within an area.
    fn count(&self, colour: u32, area: Area) -> usize {
        let [_, red, green, blue] = colour.to_be_bytes();
        let rows = self
            .pixels
            .chunks_exact(self.width)
            .take(area.bottom)
            .skip(area.top);
        let pixels = rows.flat_map(|row| &row[area.left..area.right.min(row.len())]);
        pixels.filter(|pixel| **pixel == [red, green, blue]).count()
    }

    fn everywhere(&self) -> Area {
        Area {
            left: 0,
            top: 0,
            right: self.width,
            bottom: self.pixels.len() / self.width,
        }
    }
}

/// Whether there is a browser; says so if not.
fn browser() -> bool {
    let there = Command::new("chromium")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if !there {
        eprintln!("SKIPPED: chromium is not installed, so the page was not opened");
    }
    there
}

fn chromium(folder: &Path) -> Command {
    let mut command = Command::new("chromium");
    command.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        "--force-color-profile=srgb",
    ]);
    command.arg(format!(
        "--user-data-dir={}",
        folder.join("profile").display()
    ));
    command
}

/// Opens a page in a window of this width and takes it whole.
fn screenshot(html: &str, width: u32, flags: &[&str]) -> Picture {
    let folder = tempfile::tempdir().unwrap();
    let (page, picture) = (
        folder.path().join("page.html"),
        folder.path().join("page.png"),
    );
    std::fs::write(&page, html).unwrap();
    let output = chromium(folder.path())
        .args(flags)
        .arg(format!("--window-size={width},{HEIGHT}"))
        .arg(format!("--screenshot={}", picture.display()))
        .arg(&page)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && picture.exists(),
        "chromium: {said}"
    );
    Picture::read(&picture)
}

/// A window high enough for the whole page.
const HEIGHT: u32 = 4_600;

/// The page's own account of where its plots are: a script writes their boxes into the title,
/// which `--dump-dom` shows.
fn areas(html: &str, width: u32) -> Vec<(String, Area)> {
    let script = "<script>document.title = [...document.querySelectorAll('figure > svg')].map(svg \
                  => { const b = svg.getBoundingClientRect(); return [svg.parentElement.className, \
                  ...[b.left, b.top, b.right, b.bottom].map(Math.round)].join(' ') }).join(';')\
                  </script></body>";
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.html");
    std::fs::write(&page, html.replace("</body>", script)).unwrap();
    let output = chromium(folder.path())
        .arg(format!("--window-size={width},{HEIGHT}"))
        .arg("--dump-dom")
        .arg(&page)
        .output()
        .unwrap();
    let dom = String::from_utf8(output.stdout).unwrap();
    let title = dom
        .split("<title>")
        .nth(1)
        .unwrap()
        .split("</title>")
        .next()
        .unwrap();
    let area = |text: &str| {
        let words: Vec<_> = text.split(' ').collect();
        let [left, top, right, bottom] =
            [1, 2, 3, 4].map(|word: usize| words[word].parse().unwrap());
        (
            words[0].to_owned(),
            Area {
                left,
                top,
                right,
                bottom,
            },
        )
    };
    title.split(';').map(area).collect()
}

/// The style sheet's colours on white: series 0 to 3, and the heat map's.
const LIGHT: [u32; 5] = [0x0072B2, 0xD55E00, 0x009E73, 0xB0478A, 0x0A5C91];
/// On black: series 0 and 2.
const DARK: [u32; 2] = [0x56B4E9, 0x2FC79A];

#[test]
fn every_plot_is_drawn_in_the_colours_of_its_series_where_chromium_is_installed() {
    if !browser() {
        return;
    }
    let html = html::write(&Example::troubled().report());
    let (picture, areas) = (screenshot(&html, 1_200, &[]), areas(&html, 1_200));
    let names: Vec<_> = areas.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["latency", "rate", "heat", "handoff", "fairness"]);
    let [blue, orange, green, pink, heat] = LIGHT;
    // Pixels that are drawn at least: a line of 2 px over the plot leaves some hundred unblended.
    let expected: [(&str, &[(u32, usize)]); 5] = [
        (
            "latency",
            &[(blue, 50), (orange, 150), (green, 300), (pink, 300)],
        ),
        ("rate", &[(blue, 400), (orange, 400)]),
        ("heat", &[(heat, 1_000)]),
        ("handoff", &[(pink, 200)]),
        ("fairness", &[(green, 50_000)]),
    ];
    for ((name, area), (_, colours)) in areas.iter().zip(expected) {
        for (colour, least) in colours {
            let found = picture.count(*colour, *area);
            assert!(
                found >= *least,
                "{name} {area:?}: {found} pixels of #{colour:06X}"
            );
        }
    }
    // The plots of one series have no colour of another.
    let handoff = areas[3].1;
    assert_eq!(
        picture.count(orange, handoff) + picture.count(green, handoff),
        0
    );
}

#[test]
fn a_page_is_dark_for_who_likes_it_dark_where_chromium_is_installed() {
    if !browser() {
        return;
    }
    let html = html::write(&Example::sound().report());
    let flags = ["--blink-settings=preferredColorScheme=0"];
    let picture = screenshot(&html, 1_200, &flags);
    let all = picture.everywhere();
    for (colour, least) in DARK.into_iter().zip([1_000, 50_000]) {
        let found = picture.count(colour, all);
        assert!(found >= least, "{found} pixels of #{colour:06X}");
    }
    assert_eq!(picture.count(0xFF_FFFF, all), 0, "no white ground is left");
}

#[test]
fn a_narrow_window_does_not_scroll_sideways_where_chromium_is_installed() {
    if !browser() {
        return;
    }
    let html = html::write(&Example::sound().report());
    // The plots are wider than the window, but they scroll inside their figures: the ground right
    // of the sections stays free.
    let picture = screenshot(&html, 500, &[]);
    let area = Area {
        left: 481,
        top: 0,
        right: 500,
        bottom: 3_000,
    };
    let ground = picture.count(0xF6_F7F9, area);
    assert_eq!(ground, 19 * 3_000, "something reaches into the margin");
}
