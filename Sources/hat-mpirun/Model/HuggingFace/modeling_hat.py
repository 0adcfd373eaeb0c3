"""The Hierarchical Autoregressive Transformer (arXiv 2501.10322) that hat trains, for `transformers`.

Its symbols are bytes. A text is the document mark [S], then its words, the bytes of each followed by the word mark [W]:

    [S] T h e _ [W] s e a . [W] …

(HATTokenizer writes this.) In a dialogue each turn begins with a mark for who speaks and ends with another, each a word of its
own that no word mark follows. Position for position the model predicts the next symbol, and so it cuts what it writes into
words itself. At a mark it encodes the word that has ended into one vector, the backbone reads the vectors, and the decoder
spells the next word from the backbone's answer.

Legend: N words or pieces, L bytes of the longest, R rows, H heads, s head size, d byte width, D backbone width.
"""

import copy
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import (
    GenerationMixin,
    LogitsProcessor,
    LogitsProcessorList,
    PretrainedConfig,
    PreTrainedModel,
    StoppingCriteria,
    StoppingCriteriaList,
)
from transformers.modeling_outputs import CausalLMOutputWithPast

SYMBOLS = 256
DOCUMENT, WORD = 0xFE, 0xFF
"""The marks [S] and [W]: bytes that UTF-8 never uses, as are the padding and the marks of dialogues."""
PADDING = 0xC0
TURNS = range(0xF5, 0xF9)
TURN_END = 0xF8


class HATConfig(PretrainedConfig):
    """Sizes, as in hat's configuration. The backbone sees `context_words` words, or all there are where that is 0."""

    model_type = "hat"
    attribute_map = {"hidden_size": "width", "num_hidden_layers": "layers"}

    def __init__(
        self, byte_width=64, byte_head_size=32, byte_mlp_hidden=192, encoder_layers=2, decoder_layers=2, byte_ngrams=0,
        byte_ngram_rows=16384, prefix_ngrams=0, prefix_ngram_rows=65536, width=128, head_size=32, layers=4, kv_heads=4,
        mlp_hidden=352, rope_theta=10000.0, query_key_norm=False, context_words=256, max_word_bytes=64, **others,
    ):
        self.byte_width, self.byte_head_size, self.byte_mlp_hidden = byte_width, byte_head_size, byte_mlp_hidden
        self.encoder_layers, self.decoder_layers = encoder_layers, decoder_layers
        self.byte_ngrams, self.byte_ngram_rows = byte_ngrams, byte_ngram_rows
        self.prefix_ngrams, self.prefix_ngram_rows = prefix_ngrams, prefix_ngram_rows
        self.width, self.head_size, self.layers, self.kv_heads = width, head_size, layers, kv_heads
        self.mlp_hidden, self.rope_theta, self.query_key_norm = mlp_hidden, rope_theta, query_key_norm
        self.context_words, self.max_word_bytes = context_words, max_word_bytes
        self.vocab_size = SYMBOLS
        marks = {"bos_token_id": DOCUMENT, "eos_token_id": DOCUMENT, "pad_token_id": PADDING}
        super().__init__(**{**marks, "tie_word_embeddings": False, **others})


# Blocks


class RMSNorm(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        return (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + 1e-5)).to(x.dtype) * self.weight


class Attention(nn.Module):
    def __init__(self, width: int, head_size: int, kv_heads: int, is_causal: bool, config: HATConfig):
        super().__init__()
        self.head_size, self.groups, self.is_causal = head_size, width // head_size // kv_heads, is_causal
        self.q_proj = nn.Linear(width, width, bias=False)
        self.k_proj = nn.Linear(width, kv_heads * head_size, bias=False)
        self.v_proj = nn.Linear(width, kv_heads * head_size, bias=False)
        self.o_proj = nn.Linear(width, width, bias=False)
        self.q_norm = RMSNorm(head_size) if config.query_key_norm else nn.Identity()
        self.k_norm = RMSNorm(head_size) if config.query_key_norm else nn.Identity()

    def forward(self, x: Tensor, angles: tuple[Tensor, Tensor], past: list[Tensor] | None = None) -> Tensor:
        """x [N, R, width]; `past` holds keys and values of the rows before, and then also of these."""
        q, k, v = (
            projection(x).unflatten(-1, (-1, self.head_size)).transpose(1, 2)
            for projection in (self.q_proj, self.k_proj, self.v_proj)
        )
        q, k = rotated(self.q_norm(q), *angles), rotated(self.k_norm(k), *angles)
        if past:
            k, v = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
        if past is not None:
            past[:] = k, v
        rows, seen = q.shape[2], k.shape[2]
        mask = torch.ones(rows, seen, dtype=torch.bool, device=x.device).tril(seen - rows) if self.is_causal else None
        k, v = (t.repeat_interleave(self.groups, 1) for t in (k, v))
        return self.o_proj(F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2))


def rotary_angles(x: Tensor, start: int, head_size: int, rope_theta: float) -> tuple[Tensor, Tensor]:
    """Cosines and sines, each [R, s / 2], for the rows of x [N, R, width], the first of which has position `start`."""
    options = {"dtype": torch.float64, "device": x.device}
    frequencies = rope_theta ** -(torch.arange(0, head_size, 2, **options) / head_size)
    angles = torch.arange(start, start + x.shape[1], **options)[:, None] * frequencies
    return angles.cos().to(x.dtype), angles.sin().to(x.dtype)


def rotated(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """x [N, H, R, s]. Element j of a head pairs with j + s / 2."""
    first, second = x.chunk(2, -1)
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], -1)


class MLP(nn.Module):
    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.gate_proj = nn.Linear(width, hidden, bias=False)
        self.up_proj = nn.Linear(width, hidden, bias=False)
        self.down_proj = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Block(nn.Module):
    def __init__(self, width: int, hidden: int, attention: Attention):
        super().__init__()
        self.input_norm = RMSNorm(width)
        self.attention = attention
        self.post_attention_norm = RMSNorm(width)
        self.mlp = MLP(width, hidden)

    def forward(self, x: Tensor, angles: tuple[Tensor, Tensor], past: list[Tensor] | None = None) -> Tensor:
        x = x + self.attention(self.input_norm(x), angles, past)
        return x + self.mlp(self.post_attention_norm(x))


# The three modules


class Backbone(nn.Module):
    def __init__(self, config: HATConfig):
        super().__init__()
        self.rotary = config.head_size, config.rope_theta
        self.layers = nn.ModuleList(
            Block(
                config.width, config.mlp_hidden,
                Attention(config.width, config.head_size, config.kv_heads, True, config),
            )
            for _ in range(config.layers)
        )
        self.norm = RMSNorm(config.width)

    def forward(self, x: Tensor, past: list[list[Tensor]] | None = None) -> Tensor:
        """x [N, R, D]; `past` has keys and values of each block, and grows."""
        start = past[0][0].shape[2] if past and past[0] else 0
        angles = rotary_angles(x, start, *self.rotary)
        for index, block in enumerate(self.layers):
            x = block(x, angles, past[index] if past is not None else None)
        return self.norm(x)


class ByteModule(nn.Module):
    """What encoder and decoder share: blocks over the bytes of words, behind one row that opens the word."""

    def __init__(self, config: HATConfig, layers: int, is_causal: bool):
        super().__init__()
        width = config.byte_width
        self.rotary = config.byte_head_size, config.rope_theta
        self.byte_ngrams = ngram_tables(range(2, config.byte_ngrams + 1), config.byte_ngram_rows, width)
        self.layers = nn.ModuleList(
            Block(
                width, config.byte_mlp_hidden,
                Attention(width, config.byte_head_size, width // config.byte_head_size, is_causal, config),
            )
            for _ in range(layers)
        )
        self.norm = RMSNorm(width)

    def rows(self, opening: Tensor, words: Tensor, byte_embedding: nn.Embedding) -> Tensor:
        """opening [N, d], words [N, L]; the result [N, L + 1, d]."""
        x = torch.cat([opening[:, None], byte_embedding(words)], 1)
        value = hash_step(torch.zeros_like(words), folded(words))
        for name, table in self.byte_ngrams.items():
            length = int(name)
            if length > words.shape[1]:
                break
            # An n-gram's hash goes from its last byte to its first, so that a longer one continues a shorter one.
            value = hash_step(value[:, 1:], folded(words[:, : words.shape[1] - length + 1]))
            x = x + F.pad(table(table_row(value, table)), (0, 0, length, 0))
        return x

    def blocks(self, x: Tensor) -> Tensor:
        angles = rotary_angles(x, 0, *self.rotary)
        for block in self.layers:
            x = block(x, angles)
        return x


class Encoder(ByteModule):
    def __init__(self, config: HATConfig):
        super().__init__(config, config.encoder_layers, is_causal=False)
        self.output_proj = nn.Linear(config.byte_width, config.width, bias=False)

    def forward(self, words: list[bytes], byte_embedding: nn.Embedding) -> Tensor:
        """The vector of each word, [N, D]. Words of one length are read together, so that none needs padding."""
        device = byte_embedding.weight.device
        order, vectors = [], []
        for length in {len(word) for word in words}:
            same = [index for index, word in enumerate(words) if len(word) == length]
            opening = byte_embedding(torch.full((len(same),), WORD, device=device))
            x = self.rows(opening, padded([words[index] for index in same], device), byte_embedding)
            vectors.append(self.output_proj(self.norm(self.blocks(x)[:, 0])))
            order += same
        return torch.cat(vectors)[torch.tensor(order, device=device).argsort()]


class Decoder(ByteModule):
    def __init__(self, config: HATConfig):
        super().__init__(config, config.decoder_layers, is_causal=True)
        self.input_proj = nn.Linear(config.width, config.byte_width, bias=False)
        self.prefix_ngrams = ngram_tables(
            range(1, config.prefix_ngrams + 1), config.prefix_ngram_rows, config.byte_width)
        self.head = nn.Linear(config.byte_width, SYMBOLS, bias=False)

    def forward(
        self, opening: Tensor, words: list[bytes], previous: list[bytes], byte_embedding: nn.Embedding
    ) -> Tensor:
        """What the rows of each word give, [N, L + 1, d], before the head. Rows behind a shorter word mean nothing."""
        return self.norm(self.blocks(self.inputs(opening, words, previous, byte_embedding)))

    def inputs(
        self, opening: Tensor, words: list[bytes], previous: list[bytes], byte_embedding: nn.Embedding
    ) -> Tensor:
        spelled = padded(words, opening.device)
        x = self.rows(opening, spelled, byte_embedding)
        for name, table in self.prefix_ngrams.items():
            if name == "1":
                rows = prefix_hashes(torch.zeros(len(words), dtype=torch.long, device=opening.device), spelled)
                x = x + F.pad(table(table_row(rows[:, 1:], table)), (0, 0, 1, 0))
            else:
                x = x + table(table_row(prefix_hashes(hashes(previous, opening.device), spelled), table))
        return x


# Tables of hashed n-grams

GAMMA = 0x9E3779B97F4A7C15 - (1 << 64)


def ngram_tables(orders: range, rows: int, width: int) -> nn.ModuleDict:
    return nn.ModuleDict({str(order): nn.Embedding(rows, width) for order in orders})


def hash_step(value: Tensor, symbols: Tensor) -> Tensor:
    """Integers of 64 bits wrap around, which is meant here."""
    value = (value + symbols + 1) * GAMMA
    return value ^ upper_half(value)


def upper_half(value: Tensor) -> Tensor:
    return value >> 32 & 0xFFFFFFFF


def table_row(value: Tensor, table: nn.Embedding) -> Tensor:
    return upper_half(value) * table.num_embeddings >> 32


def folded(symbols: Tensor) -> Tensor:
    """A to Z as a to z."""
    return torch.where((symbols >= 0x41) & (symbols <= 0x5A), symbols + 0x20, symbols)


def prefix_hashes(value: Tensor, words: Tensor) -> Tensor:
    """The hash, continued from `value` [N], of each beginning of the words [N, L], from the empty one on: [N, L + 1]."""
    values = [value]
    for symbols in folded(words).unbind(1):
        values.append(hash_step(values[-1], symbols))
    return torch.stack(values, 1)


def hashes(words: list[bytes], device: torch.device) -> Tensor:
    """Of whole words with a word mark behind them, [N]."""
    marked = [word + bytes([WORD]) for word in words]
    every = prefix_hashes(torch.zeros(len(words), dtype=torch.long, device=device), padded(marked, device))
    return every[torch.arange(len(words), device=device), torch.tensor([len(word) for word in marked], device=device)]


def padded(words: list[bytes], device: torch.device) -> Tensor:
    """[N, L], shorter words filled up with zeros."""
    longest = max(map(len, words))
    return torch.tensor([list(word.ljust(longest, b"\0")) for word in words], dtype=torch.long, device=device).reshape(
        len(words), longest)


# Texts


@dataclass(eq=False)
class Piece:
    """Words that the backbone sees together, and its keys and values of those it has read."""

    words: list[bytes]
    read: int = 0
    past: list[list[Tensor]] = field(default_factory=list)


@dataclass(eq=False)
class Word:
    """The word that is spelled behind a mark: from the backbone's answer to the word before it."""

    piece: Piece
    text: bytearray = field(default_factory=bytearray)
    opening: Tensor | None = None

    def __post_init__(self):
        self.place = len(self.piece.words) - 1
        self.previous = self.piece.words[-1]

    def next(self, context_words: int, mark: int | None = None) -> "Word":
        """The word behind this one, which is complete, or is a mark. A full context loses its older half."""
        piece = self.piece
        if context_words and len(piece.words) >= max(2, context_words):
            piece = Piece(piece.words[-(len(piece.words) // 2) :])
        piece.words.append(bytes(self.text) if mark is None else bytes([mark]))
        return Word(piece)


@dataclass(eq=False)
class Text:
    """How far a text has been read."""

    symbols: list[int] = field(default_factory=list)
    word: Word | None = None

    def copy(self) -> "Text":
        """One that goes on by itself."""
        word = copy.copy(self.word)
        if word is not None:
            piece = word.piece
            past = [list(tensors) for tensors in piece.past]
            word.text, word.piece = bytearray(word.text), Piece(list(piece.words), piece.read, past)
        return Text(list(self.symbols), word)

    def read(self, symbol: int, context_words: int) -> Word | None:
        """The word that a further symbol opens or continues; None for padding before the text."""
        self.symbols.append(symbol)
        if symbol == DOCUMENT:
            self.word = Word(Piece([bytes([DOCUMENT])]))
        elif self.word is None:
            if symbol != PADDING:
                raise ValueError(
                    f"a text begins with {symbol}, and must begin with [S], {DOCUMENT}: use the model's tokenizer")
        elif symbol == WORD:
            self.word = self.word.next(context_words)
        elif symbol in TURNS:
            if self.word.text:
                raise ValueError(f"{symbol}, a mark, stands within a word: {WORD} must stand before it")
            self.word = self.word.next(context_words, symbol)
        else:
            self.word.text.append(symbol)
        return self.word


class Generation:
    """What a batch of texts being written has come to. Each text goes on from one that began like it."""

    def __init__(self):
        self.texts: list[Text] = []

    def resume(self, row: int, symbols: list[int]) -> Text:
        for text in (*self.texts[row : row + 1], *self.texts):
            if symbols[: len(text.symbols)] == text.symbols:
                return text.copy()
        return Text()


# The model


class HATForCausalLM(PreTrainedModel, GenerationMixin):
    """`input_ids` [B, T] begin with [S]; logits [B, T, 256] are those of the symbol behind each. [S] begins another
    document, which sees nothing of what stands before; what stands before the first [S] is padding."""

    config_class = HATConfig
    main_input_name = "input_ids"
    _no_split_modules = ["Block"]
    _supports_sdpa = True
    _is_stateful = True

    def __init__(self, config: HATConfig):
        super().__init__(config)
        self.byte_embedding = nn.Embedding(SYMBOLS, config.byte_width)
        self.encoder = Encoder(config)
        self.backbone = Backbone(config)
        self.decoder = Decoder(config)
        self.post_init()

    def get_input_embeddings(self) -> nn.Embedding:
        return self.byte_embedding

    def get_output_embeddings(self) -> nn.Linear:
        return self.decoder.head

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, labels: Tensor | None = None,
        generation: Generation | None = None, **_,
    ) -> CausalLMOutputWithPast:
        """`labels`, as usual in transformers, are the symbols themselves, and -100 where they do not count. With
        `generation` only the logits of the last symbols are given. Padding needs no attention mask."""
        rows = input_ids.tolist()
        texts = [generation.resume(row, symbols) if generation else Text() for row, symbols in enumerate(rows)]
        logits = torch.zeros(*input_ids.shape, SYMBOLS, dtype=self.dtype, device=self.device)
        places: list[tuple[Word, int, int, int]] = []
        for row, (text, symbols) in enumerate(zip(texts, rows)):
            for column in range(len(text.symbols), len(symbols)):
                word = text.read(symbols[column], self.config.context_words)
                if word is not None and (generation is None or column == len(symbols) - 1):
                    places.append((word, len(word.text), row, column))
        words = list(dict.fromkeys(word for word, *_ in places))
        if words:
            self.open([word for word in words if word.opening is None], keeps=generation is not None)
            hidden = self.decoder(
                torch.stack([word.opening for word in words]), [bytes(word.text) for word in words],
                [word.previous for word in words], self.byte_embedding)
            number = {word: index for index, word in enumerate(words)}
            indices = [(number[word], place, row, column) for word, place, row, column in places]
            word, place, row, column = torch.tensor(indices, device=self.device).unbind(1)
            logits = logits.index_put((row, column), self.decoder.head(hidden[word, place]).to(logits.dtype))
        if generation is not None:
            generation.texts, logits = texts, logits[:, -1:]
        loss = None
        if labels is not None:
            loss = F.cross_entropy(logits[:, :-1].flatten(0, 1).float(), labels[:, 1:].flatten().to(logits.device))
        return CausalLMOutputWithPast(loss=loss, logits=logits)

    def open(self, words: list[Word], keeps: bool) -> None:
        """Lets the backbone read what it has not, for words to be spelled. `keeps`: keys and values, to go on later."""
        pieces = list(dict.fromkeys(word.piece for word in words))
        if not pieces:
            return
        unread = [piece.words[piece.read :] for piece in pieces]
        distinct = list(dict.fromkeys(word for each in unread for word in each))
        number = {word: index for index, word in enumerate(distinct)}
        vectors = self.encoder(distinct, self.byte_embedding)
        inputs = [vectors[[number[word] for word in each]] for each in unread]
        if keeps:
            for piece in pieces:
                piece.past = piece.past or [[] for _ in self.backbone.layers]
            answers = [self.backbone(x[None], piece.past)[0] for x, piece in zip(inputs, pieces)]
        else:
            answers = self.backbone(nn.utils.rnn.pad_sequence(inputs, batch_first=True))
        openings = {piece: (piece.read, self.decoder.input_proj(x)) for piece, x in zip(pieces, answers)}
        for word in words:
            first, opening = openings[word.piece]
            word.opening = opening[word.place - first]
        for piece in pieces:
            piece.read = len(piece.words)

    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=0.02)
        elif isinstance(module, RMSNorm):
            nn.init.ones_(module.weight)

    # Generation

    def generate(
        self, inputs: Tensor | None = None, *arguments, max_new_bytes: int | None = None, logits_processor=None,
        stopping_criteria=None, **others,
    ):
        """As in transformers, of valid UTF-8 in words of at most `max_word_bytes` bytes; behind a dialogue, a turn of it.
        `max_new_bytes` counts bytes of text, without marks; `max_new_tokens` counts both."""
        prompt = inputs if inputs is not None else others.get("input_ids")
        start = prompt.shape[1] if prompt is not None else 1
        writable = WritableText(self.config.max_word_bytes, start, max_new_bytes)
        if max_new_bytes is not None:
            others.setdefault("max_new_tokens", 2 * max_new_bytes + 1)
            stopping_criteria = StoppingCriteriaList([*(stopping_criteria or []), EnoughBytes(start, max_new_bytes)])
        return super().generate(
            inputs, *arguments, logits_processor=LogitsProcessorList([writable, *(logits_processor or [])]),
            stopping_criteria=stopping_criteria, generation=Generation(), **others)

    def prepare_inputs_for_generation(self, input_ids: Tensor, generation=None, use_cache=True, **kwargs) -> dict:
        return {"input_ids": input_ids, "generation": generation if use_cache else None}

    @classmethod
    def _supports_default_dynamic_cache(cls) -> bool:
        return False


class WritableText(LogitsProcessor):
    """Lets only pass what keeps a text valid UTF-8, its words short enough, and itself within a number of bytes."""

    def __init__(self, max_word_bytes: int, start: int, max_new_bytes: int | None):
        self.max_word_bytes, self.start, self.max_new_bytes = max_word_bytes, start, max_new_bytes

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        allowed = torch.zeros(scores.shape, dtype=torch.bool)
        left = None
        if self.max_new_bytes is not None:
            left = (self.max_new_bytes - bytes_since(self.start, input_ids)).tolist()
        is_turn = ((input_ids >= TURNS.start) & (input_ids < TURNS.stop)).any(1).tolist()
        for row, symbols in enumerate(input_ids[:, -self.max_word_bytes - 1 :].tolist()):
            word = []
            for symbol in reversed(symbols):
                if symbol in (DOCUMENT, WORD, *TURNS):
                    break
                word.insert(0, symbol)
            room = self.max_word_bytes - len(word)
            self.allow(allowed[row], word, room if left is None else min(room, left[row]))
            allowed[row, TURN_END] = is_turn[row] and not word
        return scores.masked_fill(~allowed.to(scores.device), float("-inf"))

    @staticmethod
    def allow(allowed: Tensor, word: list[int], room: int) -> None:
        following = continuation(word)
        if following is not None:
            allowed[following[0] : following[1] + 1] = True
            return
        allowed[WORD if word else DOCUMENT] = True
        for length, first, last in ((1, 0x00, 0x7F), (2, 0xC2, 0xDF), (3, 0xE0, 0xEF), (4, 0xF0, 0xF4)):
            if length <= room:
                allowed[first : last + 1] = True


def continuation(text: list[int]) -> tuple[int, int] | None:
    """The first and the last byte that may continue the character at the end of a text; None where it is complete."""
    for back in range(1, min(3, len(text)) + 1):
        byte = text[-back]
        if byte >= 0xC2:
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            if back >= length:
                return None
            # Shortest forms only, no surrogates, nothing above U+10FFFF.
            special = {0xE0: (0xA0, 0xBF), 0xED: (0x80, 0x9F), 0xF0: (0x90, 0xBF), 0xF4: (0x80, 0x8F)}
            return special.get(byte, (0x80, 0xBF)) if back == 1 else (0x80, 0xBF)
        if byte < 0x80:
            return None
    return None


class EnoughBytes(StoppingCriteria):
    def __init__(self, start: int, max_new_bytes: int):
        self.start, self.max_new_bytes = start, max_new_bytes

    def __call__(self, input_ids: Tensor, scores: Tensor, **_) -> Tensor:
        return bytes_since(self.start, input_ids) >= self.max_new_bytes


def bytes_since(start: int, input_ids: Tensor) -> Tensor:
    """The bytes of text behind the prompt, [B]."""
    written = input_ids[:, start:]
    return ((written < TURNS.start) & (written != PADDING)).sum(1)
