"""GPT: seeding, weights in and out, scoring and sampling, against the float64 reference."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from bandits.errors import InvalidValue
from bandits.model.config import GPTConfig
from bandits.model.gpt import GPT
from tests.support import reference
from tests.support.cases import (
    CASES,
    LONG_CASES,
    Case,
    config_of,
    float32_weights,
    model_of,
    scalars,
)
from tests.support.reference import Shape
from tests.support.vectorised import Batch, NumpyGPT, softmax


@pytest.mark.parametrize("shape", [Shape(), Shape(5, 7, 3, 7, 2), Shape(2, 1, 1, 1, 1)])
def test_weights_are_drawn_as_microgpt_draws_them(shape: Shape) -> None:
    expected = reference.initial_weights(shape, random.Random(42))
    found = GPT(config_of(shape)).state_dict()
    assert list(found) == list(expected) == list(reference.matrix_shapes(shape))
    for name, w in found.items():
        assert w.dtype == np.float32
        assert w.flags.c_contiguous
        np.testing.assert_array_equal(w, np.array(expected[name], dtype=np.float32))


def test_a_generator_in_place_of_a_seed_goes_on_drawing() -> None:
    rng, twin = random.Random(5), random.Random(5)
    rng.random(), twin.random()
    weights = GPT(GPTConfig(), rng).state_dict()
    expected = reference.initial_weights(Shape(), twin)
    np.testing.assert_array_equal(weights["wte"], np.array(expected["wte"], dtype=np.float32))


def test_state_dict_gives_copies() -> None:
    model = GPT(GPTConfig())
    model.state_dict()["wte"][:] = 7.0
    assert not np.any(model.state_dict()["wte"] == 7.0)


@pytest.mark.parametrize("shape", [c.shape for c in CASES], ids=str)
def test_weights_and_moments_come_back_as_they_went_in(shape: Shape) -> None:
    model = GPT(config_of(shape))
    first, second, third = (float32_weights(shape, seed=k) for k in (1, 2, 3))
    model.load_state_dict(first)
    model.load_moments(second, third, 0.5, 0.25)
    np.testing.assert_equal(model.state_dict(), first)
    m, v = model.moments()
    np.testing.assert_equal(m, second)
    np.testing.assert_equal(v, third)


def test_strided_weights_are_read_correctly() -> None:
    shape = Shape(9, 6, 1, 2, 8)
    weights = float32_weights(shape)
    strided = {name: np.asfortranarray(w) for name, w in weights.items()}
    strided["wte"] = np.repeat(weights["wte"], 2, axis=1)[:, ::2]
    np.testing.assert_equal(model_of(shape, strided).state_dict(), weights)


def test_weights_that_do_not_fit_are_refused_and_nothing_is_loaded() -> None:
    shape = Shape(9, 6, 1, 2, 8)
    weights = float32_weights(shape)
    model = model_of(shape, weights)
    changed = {name: w + 1 for name, w in weights.items()}
    wrong = [
        {name: w for name, w in changed.items() if name != "layer0.mlp_fc2"},
        {**changed, "layer1.attn_wq": changed["layer0.attn_wq"]},
        {**changed, "layer0.mlp_fc2": changed["layer0.mlp_fc2"].T.copy()},
        {**changed, "layer0.mlp_fc2": changed["layer0.mlp_fc2"].astype(np.int32)},
        {**changed, "layer0.mlp_fc2": changed["layer0.mlp_fc2"].ravel()},
    ]
    for state in wrong:
        with pytest.raises((InvalidValue, TypeError)):
            model.load_state_dict(state)
        np.testing.assert_equal(model.state_dict(), weights)


@pytest.mark.parametrize(
    "documents", [[], [[27]], [[-1]], [[1.5]], [["a"]], [[26]], [[2**40]], 7, None, [7]], ids=str
)
def test_documents_that_cannot_be_are_refused(documents: object) -> None:
    model = GPT(GPTConfig())
    with pytest.raises((InvalidValue, TypeError)):
        model.loss_and_grads(documents)  # type: ignore[arg-type]


# ---------------------------------------------------------- scoring


def expected_bits(case: Case, weights: dict[str, np.ndarray], temperature: float) -> list[float]:
    """Sum of bits over a document's tokens; those past block_size are uniform guesses."""
    model = NumpyGPT(case.shape, weights)
    bits = []
    for document in case.documents:
        n_scored = len(reference.scored(case.shape, document)[0])
        nats = float(model.losses([document], temperature)[0]) * n_scored
        guessed = (len(document) + 1 - n_scored) * math.log2(case.shape.vocab_size)
        bits.append(nats / math.log(2.0) + guessed)
    return bits


@pytest.mark.parametrize("temperature", [1.0, 0.5, 3.0])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_evaluation_gives_the_bits_of_every_document(case: Case, temperature: float) -> None:
    weights = float32_weights(case.shape, scale=3.0)
    evaluation = model_of(case.shape, weights).evaluate(case.documents, temperature)
    assert evaluation.bits.dtype == np.float64
    assert evaluation.n_tokens.dtype == np.int64
    assert evaluation.n_tokens.tolist() == [len(document) + 1 for document in case.documents]
    expected = expected_bits(case, weights, temperature)
    np.testing.assert_allclose(evaluation.bits, expected, rtol=3e-6, atol=1e-5)  # float32 logits
    mean = sum(expected) / sum(len(document) + 1 for document in case.documents)
    assert evaluation.bits_per_token == pytest.approx(mean, rel=1e-5)  # likewise
    assert evaluation.perplexity == pytest.approx(2.0**mean, rel=1e-4)  # of some 10 bits


def test_evaluation_of_many_documents_is_that_of_each() -> None:
    case = Case(Shape(), [[k % 26, (k * 7) % 26] * (k % 9) for k in range(700)])
    weights = float32_weights(case.shape, scale=2.0)
    found = model_of(case.shape, weights).evaluate(case.documents).bits
    np.testing.assert_allclose(
        found, expected_bits(case, weights, 1.0), rtol=3e-6
    )  # float32 logits


def sparse_weights(shape: Shape) -> dict[str, np.ndarray]:
    """Weights whose MLPs have one unit in 24 that can be above 0, as training leaves them."""
    weights = float32_weights(shape, scale=2.0)
    for layer in range(shape.n_layer):
        for unit in range(4 * shape.n_embd):
            if unit % 24 != 5:
                weights[f"layer{layer}.mlp_fc1"][unit] = 0
    return weights


@pytest.mark.parametrize("sparse", [True, False])
@pytest.mark.parametrize("n_embd", [7, 32, 64, 81])
def test_scoring_gives_the_very_bits_that_the_loss_is_made_of(n_embd: int, sparse: bool) -> None:
    shape = Shape(n_embd=n_embd, n_layer=2, n_head=1)
    weights = sparse_weights(shape) if sparse else float32_weights(shape, scale=2.0)
    model = model_of(shape, weights)
    documents = [[k % 26, (k * 7) % 26, 3][: k % 4] for k in range(300)]
    bits = model.evaluate(documents).bits
    for document, of_document in list(zip(documents, bits.tolist(), strict=True))[::9]:
        loss, _ = model.probe([document])
        assert loss == of_document / (len(document) + 1) * math.log(2.0)


@pytest.mark.parametrize("case", LONG_CASES, ids=str)
def test_long_documents_cost_the_bits_of_the_reference_and_the_same_alone(case: Case) -> None:
    weights = float32_weights(case.shape, scale=2.0)
    model = model_of(case.shape, weights)
    nats = NumpyGPT(case.shape, weights).losses(case.documents)
    T = [min(len(document) + 1, case.shape.block_size) for document in case.documents]
    beyond = [len(document) + 1 - t for document, t in zip(case.documents, T, strict=True)]
    expected = nats * T / math.log(2.0) + np.array(beyond) * math.log2(case.shape.vocab_size)
    found = model.evaluate(case.documents).bits
    np.testing.assert_allclose(found, expected, rtol=3e-6)  # float32 logits
    alone = [model.evaluate([document]).bits[0] for document in case.documents]
    assert found.tolist() == alone


@pytest.mark.parametrize("case", CASES, ids=str)
def test_relu_activity_counts_positions_above_zero(case: Case) -> None:
    weights = float32_weights(case.shape, scale=2.0)
    model = model_of(case.shape, weights)
    model.loss_and_grads(case.documents)
    batch = Batch(case.shape, case.documents)
    kept = NumpyGPT(case.shape, weights).forward(batch)[2]
    for i in range(case.shape.n_layer):
        active, n_positions = model.relu_active(i)
        np.testing.assert_array_equal(active, (kept[i + 1][-1] > 0.0).sum(axis=0))
        assert n_positions == len(batch.inputs)


@pytest.mark.parametrize("case", [*CASES, *LONG_CASES], ids=str)
def test_attention_of_every_document(case: Case) -> None:
    weights = float32_weights(case.shape, scale=2.0)
    model = model_of(case.shape, weights)
    model.probe(case.documents)
    batch = Batch(case.shape, case.documents)
    kept = NumpyGPT(case.shape, weights).forward(batch)[2]
    for i in range(case.shape.n_layer):
        att = kept[i + 1][5]
        for k in range(len(case.documents)):
            rows = np.flatnonzero(batch.owner == k)
            found = model.attention(i, k)
            np.testing.assert_allclose(found, att[:, rows][:, :, rows], rtol=1e-4, atol=1e-6)
            np.testing.assert_allclose(found.sum(axis=2), 1.0, rtol=1e-5)
            assert not np.triu(found, 1).any()


def test_attention_of_no_such_document_or_layer_is_refused() -> None:
    model = model_of(Shape(), float32_weights(Shape()))
    with pytest.raises(InvalidValue, match=r"document=0 .* probe documents first"):
        model.attention(0)
    model.probe([[1, 2]])
    for document in (-1, 1):
        with pytest.raises(InvalidValue, match=f"document={document} "):
            model.attention(0, document)
    for look in (model.attention, model.relu_active):
        with pytest.raises(InvalidValue, match="layer=1 is out of range"):
            look(1)


# ---------------------------------------------------------- sampling


@pytest.mark.parametrize("case", CASES, ids=str)
def test_samples_are_whole_documents(case: Case) -> None:
    model = model_of(case.shape, float32_weights(case.shape))
    samples = model.generate(40, seed=2)
    block = case.shape.block_size
    assert samples.tokens.shape == (40, block)
    assert samples.finite
    for row, n, ended in zip(samples.tokens, samples.lengths, samples.ended, strict=True):
        assert np.all((row[:n] >= 0) & (row[:n] < case.shape.bos))
        assert n < block if ended else n == block


@pytest.mark.parametrize("scale", [4.0, 40.0])  # 40: scores too large for bare exponentials
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_cold_sample_takes_the_likeliest_token_every_time(case: Case, scale: float) -> None:
    """Through the cache of keys and values: argmax of the reference's logits, position by position."""
    weights = float32_weights(case.shape, seed=4, scale=scale)
    lifted = scalars(weights)
    passes: list[reference.Pass] = []
    expected: list[int] = []
    token = case.shape.bos
    for _ in range(case.shape.block_size):
        passes.append(reference.step(lifted, case.shape, token, passes))
        token = int(np.argmax(passes[-1].logits))
        if token == case.shape.bos:
            break
        expected.append(token)
    samples = model_of(case.shape, weights).generate(2, temperature=0.01)
    for row, n in zip(samples.tokens, samples.lengths, strict=True):
        assert row[:n].tolist() == expected


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_tokens_are_drawn_with_the_probability_of_the_reference(temperature: float) -> None:
    """First and second tokens of 40,000 documents, each frequency within 5 sigma."""
    shape, n = Shape(8, 8, 2, 2, 4), 40_000
    weights = float32_weights(shape, scale=5.0)
    samples = model_of(shape, weights).generate(n, temperature=temperature, seed=9)
    lifted = scalars(weights)
    tokens = np.where(np.arange(4) < samples.lengths[:, None], samples.tokens, shape.bos)

    def assert_frequencies(drawn: np.ndarray, past: list[int]) -> None:
        passes: list[reference.Pass] = []
        for token in [shape.bos, *past]:
            passes.append(reference.step(lifted, shape, token, passes))
        p = softmax(np.array(passes[-1].logits) / temperature)
        counts = np.bincount(drawn, minlength=shape.vocab_size)
        sigma = np.sqrt(len(drawn) * p * (1 - p))
        assert np.all(np.abs(counts - len(drawn) * p) <= 5 * sigma + 1)

    assert_frequencies(tokens[:, 0], [])
    first = int(np.bincount(tokens[:, 0][tokens[:, 0] != shape.bos]).argmax())
    assert_frequencies(tokens[tokens[:, 0] == first, 1], [first])


# ---------------------------------------------------------- weights that are not numbers


def test_slices_that_a_player_can_stop_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    model = GPT(GPTConfig(), seed=5)
    documents = [[0, 3, 0], [], [25] * 30, [1]]
    whole = model.evaluate(documents, 0.7), model.generate(40, seed=2, first=3)
    monkeypatch.setattr("bandits.model.gpt.SLICE_FLOPS", 1)  # a slice for each document
    sliced = model.evaluate(documents, 0.7), model.generate(40, seed=2, first=3)
    assert sliced[0].bits.tolist() == whole[0].bits.tolist()
    assert sliced[1].sequences() == whole[1].sequences()
    assert sliced[1].ended.tolist() == whole[1].ended.tolist()
    assert [one.n_flops for one in sliced] == [one.n_flops for one in whole]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 3e38])
@pytest.mark.parametrize("name", ["wte", "lm_head", "layer0.attn_wk", "layer0.mlp_fc2"])
def test_weights_that_are_not_finite_end_in_a_report_not_a_crash(name: str, bad: float) -> None:
    weights = float32_weights(Shape())
    weights[name][:] = bad
    model = model_of(Shape(), weights)
    loss, grads = model.loss_and_grads([[1, 2, 3]])
    bits = model.evaluate([[1, 2, 3]]).bits_per_token
    samples = model.generate(3)
    if not math.isfinite(bad):
        assert not all(np.isfinite(g).all() for g in grads.values())  # not those of another call
        assert not math.isfinite(loss)
        assert not math.isfinite(bits)
        assert not samples.finite
    assert samples.tokens.min() >= 0
    assert samples.tokens.max() < 27
    assert samples.lengths.max() <= 16


def test_an_infinite_weight_that_only_zeros_meet_is_not_overlooked() -> None:
    shape = Shape(n_embd=64)
    weights = sparse_weights(shape)
    weights["layer0.mlp_fc2"][:, 0] = np.inf
    model = model_of(shape, weights)
    assert not math.isfinite(model.probe([[1, 2, 3]])[0])
    assert not math.isfinite(model.evaluate([[1, 2, 3]]).bits_per_token)
    assert not model.generate(3).finite
