package wire

// Ask is what every model task takes.
type Ask struct {
	Provider          string   `json:"provider,omitempty"`
	Model             string   `json:"model,omitempty"`
	UseCache          *bool    `json:"use_cache,omitzero"`
	TimeoutMS         *int     `json:"timeout_ms,omitzero"`
	FallbackModels    []string `json:"fallback_models,omitempty"`
	FallbackProviders []string `json:"fallback_providers,omitzero"` // an empty list is none, where the provider has some
}

// Done is what every model task answers.
type Done struct {
	Model            string  `json:"model"`
	Provider         string  `json:"provider"`
	ExecutionTimeMS  float64 `json:"execution_time_ms"`
	Attempts         int     `json:"attempts"`
	FromCache        bool    `json:"from_cache"`
	Usage            Usage   `json:"usage"`
	EstimatedCostUSD float64 `json:"estimated_cost_usd"`
}

// Usage is what a task has cost.
type Usage struct {
	PromptCharacters     int `json:"prompt_characters"`
	CompletionCharacters int `json:"completion_characters"`
	PromptTokens         int `json:"prompt_tokens"`
	CompletionTokens     int `json:"completion_tokens"`
}

// Params tune a generation.
type Params struct {
	Temperature       *float64 `json:"temperature,omitzero"`
	MaxTokens         *int     `json:"max_tokens,omitzero"`
	MaxNewTokens      *int     `json:"max_new_tokens,omitzero"` // the same as max_tokens
	TopP              *float64 `json:"top_p,omitzero"`
	TopK              *int     `json:"top_k,omitzero"`
	RepetitionPenalty *float64 `json:"repetition_penalty,omitzero"`
	DoSample          *bool    `json:"do_sample,omitzero"`
	Stop              []string `json:"stop,omitempty"`
}

// CompleteRequest is the body of POST /complete.
type CompleteRequest struct {
	Ask      `json:",inline"`
	Params   `json:",inline"`
	Prompt   string `json:"prompt"`
	TaskType Choice `json:"task_type,omitempty"`
	Quality  Choice `json:"quality,omitempty"`
	Style    Choice `json:"style,omitempty"`
	Stream   bool   `json:"stream,omitzero"`
}

// Completion is the answer to POST /complete.
type Completion struct {
	Done         `json:",inline"`
	Made         `json:",inline"`
	Text         string `json:"text"`
	FinishReason string `json:"finish_reason"`
	TokenCount   int    `json:"token_count"`
	TaskType     string `json:"task_type"`
}

// CompareRequest is the body of POST /compare.
type CompareRequest struct {
	Ask      `json:",inline"`
	Params   `json:",inline"`
	Prompt   string   `json:"prompt"`
	Models   []string `json:"models"`
	TaskType Choice   `json:"task_type,omitempty"`
}

// Comparison is the answer to POST /compare.
type Comparison struct {
	Done                `json:",inline"`       // of all models together
	Prompt              string                 `json:"prompt"`
	ModelResults        map[string]ModelResult `json:"model_results"`
	TotalModelsTested   int                    `json:"total_models_tested"`
	SuccessfulResponses int                    `json:"successful_responses"`
}

// ModelResult is what one model made of a prompt.
type ModelResult struct {
	Status          string  `json:"status"` // "success" or "failed"
	Text            string  `json:"text"`
	ExecutionTimeMS float64 `json:"execution_time_ms"`
	TokenCount      int     `json:"token_count"`
	FinishReason    string  `json:"finish_reason"`
	Attempts        int     `json:"attempts"`
	FromCache       bool    `json:"from_cache"`
	Usage           Usage   `json:"usage"`
	EstimatedCost   float64 `json:"estimated_cost_usd"`
	Error           *Error  `json:"error"`
}

// Made says how a task was done.
type Made struct {
	ModelSelected bool     `json:"model_selected"` // by the catalogue
	ConfigUsed    Params   `json:"config_used"`
	Notes         []string `json:"notes,omitempty"`
}

// SentimentRequest is the body of POST /sentiment: one text, or several.
type SentimentRequest struct {
	Ask   `json:",inline"`
	Text  *string  `json:"text,omitzero"`
	Texts []string `json:"texts,omitempty"`
	Style Choice   `json:"style,omitempty"`
}

// Sentiment is how a text feels.
type Sentiment struct {
	Sentiment   string             `json:"sentiment"`
	Confidence  float64            `json:"confidence"`
	Scores      map[string]float64 `json:"scores"`
	RawResponse []Label            `json:"raw_response"`
}

// Label is a class and its score.
type Label struct {
	Label string  `json:"label"`
	Score float64 `json:"score"`
}

// OneSentiment answers one text.
type OneSentiment struct {
	Done      `json:",inline"`
	Made      `json:",inline"`
	Sentiment `json:",inline"`
}

// Sentiments answers several.
type Sentiments struct {
	Done    `json:",inline"`
	Made    `json:",inline"`
	Results []Sentiment `json:"results"`
}

// SummarizeRequest is the body of POST /summarize; lengths are in words.
type SummarizeRequest struct {
	Ask       `json:",inline"`
	Text      string `json:"text"`
	MaxLength *int   `json:"max_length,omitzero"`
	MinLength int    `json:"min_length,omitzero"`
	Style     Choice `json:"style,omitempty"`
}

// Summary is the answer.
type Summary struct {
	Done             `json:",inline"`
	Made             `json:",inline"`
	Summary          string  `json:"summary"`
	OriginalLength   int     `json:"original_length"`
	SummaryLength    int     `json:"summary_length"`
	CompressionRatio float64 `json:"compression_ratio"`
}

// TranslateRequest is the body of POST /translate.
type TranslateRequest struct {
	Ask    `json:",inline"`
	Text   string `json:"text"`
	Source string `json:"source,omitempty"`
	Target string `json:"target,omitempty"`
}

// TranslationAnswer is the answer.
type TranslationAnswer struct {
	Done        `json:",inline"`
	Made        `json:",inline"`
	Translation string `json:"translation"`
}

// EmbeddingsRequest is the body of POST /embeddings.
type EmbeddingsRequest struct {
	Ask       `json:",inline"`
	Documents []struct {
		ID      string `json:"id"`
		Content string `json:"content"`
	} `json:"documents"`
}

// Embeddings is the answer.
type Embeddings struct {
	Done                 `json:",inline"`
	ProcessedDocuments   int               `json:"processed_documents"`
	SuccessfulEmbeddings int               `json:"successful_embeddings"`
	EmbeddingModel       string            `json:"embedding_model"`
	EmbeddingDimensions  int               `json:"embedding_dimensions"`
	Results              []EmbeddingResult `json:"results"`
}

// EmbeddingResult is one document's vector.
type EmbeddingResult struct {
	DocumentID string    `json:"document_id"`
	Embedding  []float32 `json:"embedding"`
	Dimensions int       `json:"dimensions"`
	Status     string    `json:"status"` // "success" or "failed"
	Error      *Error    `json:"error"`
}

// AnswerRequest is the body of POST /answer: a question in place of the search's query, and the search's other fields.
type AnswerRequest struct {
	Ask           `json:",inline"`
	SearchRequest `json:",inline"`
	Question      string `json:"question"`
	Stream        bool   `json:"stream,omitzero"`
}

// Answer is an answer with what it rests on.
type Answer struct {
	Done      `json:",inline"`
	Answer    string     `json:"answer"`
	Citations []Citation `json:"citations"`
	Hits      []Hit      `json:"hits"`
}

// Citation is the bytes start to end of a document's text.
type Citation struct {
	DocumentID string `json:"document_id"`
	Start      int    `json:"start"`
	End        int    `json:"end"`
}

// Provider is a provider as it is read. Its key is never shown; api_key has its last characters.
type Provider struct {
	ProviderID    string         `json:"provider_id"`
	Name          string         `json:"name"`
	ProviderType  string         `json:"provider_type"`
	APIEndpoint   string         `json:"api_endpoint"`
	Configuration ProviderConfig `json:"configuration"`
	IsActive      bool           `json:"is_active"`
	IsDefault     bool           `json:"is_default"`
}

// ProviderConfig is what is used where a request does not say.
type ProviderConfig struct {
	APIKey         *string  `json:"api_key,omitzero"`
	DefaultModel   string   `json:"default_model,omitempty"`
	EmbeddingModel string   `json:"embedding_model,omitempty"`
	Temperature    *float64 `json:"temperature,omitzero"`
	MaxTokens      *int     `json:"max_tokens,omitzero"`
	// FallbackProviders are asked, in order, where this one fails.
	FallbackProviders []string `json:"fallback_providers,omitempty"`
}

// NewProvider is the body of POST /providers.
type NewProvider struct {
	ProviderID    string         `json:"provider_id,omitempty"` // made from the name where it is not given
	Name          string         `json:"name"`
	ProviderType  string         `json:"provider_type"`
	APIEndpoint   string         `json:"api_endpoint,omitempty"`
	Configuration ProviderConfig `json:"configuration,omitzero"`
	IsActive      *bool          `json:"is_active,omitzero"`
	IsDefault     bool           `json:"is_default,omitzero"`
}

// ProviderPatch changes what it names.
type ProviderPatch struct {
	Name          *string         `json:"name,omitzero"`
	APIEndpoint   *string         `json:"api_endpoint,omitzero"`
	Configuration *ProviderConfig `json:"configuration,omitzero"` // api_key is kept where it is not given; the rest is replaced
	IsActive      *bool           `json:"is_active,omitzero"`
	IsDefault     *bool           `json:"is_default,omitzero"`
}

// ProviderList is all providers, the default first.
type ProviderList struct {
	Providers []Provider `json:"providers"`
	Total     int        `json:"total"`
}

// Probe is what a test of a provider found.
type Probe struct {
	OK       bool     `json:"ok"`
	Model    string   `json:"model"`
	Version  string   `json:"version"`
	Warnings []string `json:"warnings"`
	Trials   []Trial  `json:"trials"`
}

// Trial is one request of a test.
type Trial struct {
	Tried          string  `json:"tried"`
	UpstreamStatus int     `json:"upstream_status"`
	Answer         string  `json:"answer"`
	Fault          string  `json:"fault"`
	Advice         string  `json:"advice"`
	TookMS         float64 `json:"took_ms"`
}

// UsageList sums what was asked of models.
type UsageList struct {
	Usage             []UsageGroup `json:"usage"`
	Total             int          `json:"total"`
	MonthlyCharacters int64        `json:"monthly_characters"` // sent to providers this month
	MonthlyLimit      int64        `json:"monthly_limit"`      // 0 is none
	MonthlyLeft       *int64       `json:"monthly_left"`
	Tier              string       `json:"tier"`
	TierCharacters    int64        `json:"tier_characters"` // included a month; 0 is no limit
	TierLeft          *int64       `json:"tier_left"`
}

// UsageGroup is one model, provider, task or day.
type UsageGroup struct {
	Group                string  `json:"group"`
	Requests             int     `json:"requests"`
	Errors               int     `json:"errors"`
	CacheHits            int     `json:"cache_hits"`
	PromptCharacters     int64   `json:"prompt_characters"`
	CompletionCharacters int64   `json:"completion_characters"`
	PromptTokens         int64   `json:"prompt_tokens"`
	CompletionTokens     int64   `json:"completion_tokens"`
	BilledCharacters     int64   `json:"billed_characters"`
	LatencyP50MS         float64 `json:"latency_p50_ms"`
	LatencyP95MS         float64 `json:"latency_p95_ms"`
	LatencyP99MS         float64 `json:"latency_p99_ms"`
	EstimatedCostUSD     float64 `json:"estimated_cost_usd"`
}

// RequestList is the log of model requests, newest first.
type RequestList struct {
	Requests   []ModelRequest `json:"requests"`
	Total      int            `json:"total"`
	NextCursor *string        `json:"next_cursor"`
}

// ModelRequest is one call of a model.
type ModelRequest struct {
	At               string  `json:"at"`
	Task             string  `json:"task"`
	Provider         string  `json:"provider"`
	Model            string  `json:"model"`
	Status           string  `json:"status"`
	Attempts         int     `json:"attempts"`
	FromCache        bool    `json:"from_cache"`
	Usage            Usage   `json:"usage"`
	LatencyMS        float64 `json:"latency_ms"`
	Prompt           string  `json:"prompt,omitempty"` // only where prompts are logged
	EstimatedCostUSD float64 `json:"estimated_cost_usd"`
}
